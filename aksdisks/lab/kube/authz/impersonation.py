"""Acting as somebody else: the Impersonate headers, and the right to each of them (`kubectl --as`)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from multidict import CIMultiDictProxy

from aksdisks.lab.kube.authn.authentication import ANONYMOUS_NAME, AUTHENTICATED, UNAUTHENTICATED, User
from aksdisks.lab.kube.authz.attributes import Attributes
from aksdisks.lab.kube.authz.rbac import Authorizer
from aksdisks.lab.kube.schema.status import bad_request

_USER, _GROUP, _UID, _EXTRA = "Impersonate-User", "Impersonate-Group", "Impersonate-Uid", "Impersonate-Extra-"
_ACCOUNT = "system:serviceaccount:"
_AUTHENTICATION = "authentication.k8s.io"


def effective(authorizer: Authorizer, user: User, headers: CIMultiDictProxy[str]) -> User:
    """The user that the request acts as; 403 if it may not (apiserver: endpoints/filters/impersonation.go)."""
    name, uid = _clean(headers.get(_USER, "")), _clean(headers.get(_UID, ""))
    groups = tuple(_clean(group) for group in headers.getall(_GROUP, ()))
    extra = _extra(headers)
    if not name:
        if groups or uid or extra:
            raise bad_request("requested impersonation of groups, a uid or extra values without impersonating a user")
        return user
    namespace, _, account = name.removeprefix(_ACCOUNT).partition(":") if name.startswith(_ACCOUNT) else ("", "", "")
    who = Attributes("impersonate", "users", name=name)
    if account:
        who = Attributes("impersonate", "serviceaccounts", namespace=namespace, name=account)
    for wanted in (who, *_wanted(groups, uid, extra)):
        authorizer.check(user, wanted)
    if account and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    if not {AUTHENTICATED, UNAUTHENTICATED} & set(groups):
        groups = (*groups, UNAUTHENTICATED if name == ANONYMOUS_NAME else AUTHENTICATED)
    return User(name, groups, uid, tuple((key, tuple(values)) for key, values in extra.items()))


def _wanted(groups: tuple[str, ...], uid: str, extra: dict[str, list[str]]) -> Iterator[Attributes]:
    """The rights that it takes beside that to the user, in upstream's order."""
    for group in groups:
        yield Attributes("impersonate", "groups", name=group)
    for key, values in extra.items():
        for value in values:
            yield Attributes("impersonate", "userextras", _AUTHENTICATION, name=value, subresource=key)
    if uid:
        yield Attributes("impersonate", "uids", _AUTHENTICATION, name=uid)


def _extra(headers: CIMultiDictProxy[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA.lower()):
            found.setdefault(unquote(header[len(_EXTRA) :].lower()), []).append(_clean(value))
    return found


def _clean(value: str) -> str:
    """The value without bytes that are not UTF-8: no answer could show them."""
    return value.encode(errors="replace").decode()
