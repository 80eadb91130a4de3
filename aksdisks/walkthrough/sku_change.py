"""Another SKU for the disk of a claim, by a VolumeAttributesClass: asked while its pod runs, and once it is let go."""

from __future__ import annotations

import re
from collections.abc import Callable

from aksdisks.errors import NotAllowed, NotFound
from aksdisks.inspection.comparison import Said
from aksdisks.manifests.disks import attributes_class
from aksdisks.model import KubeEvent, StorageClass, Unknown
from aksdisks.model.checks import Holds, check
from aksdisks.session.session import Session
from aksdisks.views.base import Card
from aksdisks.views.checks import CheckView
from aksdisks.walkthrough import waits
from aksdisks.walkthrough.claims import kubectl
from aksdisks.walkthrough.grow import NAME, Grow

_KIND, _GROUP = "VolumeAttributesClass", "storage.k8s.io"
_DONE, _FAILED = "VolumeModifySuccessful", "VolumeModifyFailed"
_CODE, _SENTENCE = re.compile(r"ERROR CODE: (\w+)"), re.compile(r'"message": ?"((?:[^"\\]|\\.)*)')
# Of a disk of each SKU, one that it may become (azure-compute-docs virtual-machines/disks-convert-types.md).
_OTHER = {
    "Premium_LRS": "StandardSSD_LRS",
    "StandardSSD_LRS": "Premium_LRS",
    "Standard_LRS": "StandardSSD_LRS",
    "Premium_ZRS": "StandardSSD_ZRS",
    "StandardSSD_ZRS": "Premium_ZRS",
}


class SkuChange:
    """Changes the SKU of the disk of runbook 10's Deployment; `given`: whether that can be done here."""

    def __init__(self, session: Callable[[], Session], grow: Grow) -> None:
        """`session` gives the open session, or raises; `grow` has the claim."""
        self._session = session
        self._grow = grow
        self._first = ""  # what came of it while the pod ran
        self.given: Holds = None

    def prepare(self) -> CheckView:
        """Check that the cluster has VolumeAttributesClasses, that one may be made, and that there is a SKU to take."""
        self.given, seen = self._possible()
        return CheckView(check("A VolumeAttributesClass can change the disk's SKU here", self.given, seen))

    def ask(self) -> Card:
        """Make a class of another SKU, let the claim name it, and wait for the first word about it."""
        if self.given is not True:
            return _nothing()
        session, name = self._session(), self._name()
        if not self._first:
            session.apply(attributes_class(name, self._wanted()), self._grow.claim(attributes_class=name))
            self._first = self._told(_DONE, _FAILED)
        patch = f"""patch pvc {NAME} -p '{{"spec":{{"volumeAttributesClassName":"{name}"}}}}'"""
        lines = [("asked for", self._wanted()), ("while the pod runs", in_short(self._first))]
        return Card(f"Claim {NAME} names the class {name}", lines, typed=kubectl(session.namespace, patch))

    def let_go(self) -> Card:
        """Where Azure refused it of a disk in use: scale to 0, wait until it is changed, and let the pod run again."""
        if self.given is not True:
            return _nothing()
        if self._first.startswith(_DONE):
            return Card("Nothing more to do: it was changed under the running pod")
        session = self._session()
        session.scale("Deployment", NAME, 0)
        waits.ended(session, NAME)
        told = self._told(_DONE)
        session.scale("Deployment", NAME, 1)
        waits.running(session, NAME)
        typed = "; ".join(kubectl(session.namespace, f"scale deploy {NAME} --replicas={count}") for count in (0, 1))
        return Card("Changed while no pod had it; the pod runs again", [("then", in_short(told))], typed=typed)

    def said(self) -> tuple[Said, Said]:
        """(disk, SKU) by the class that the volume has, and as Azure has it."""
        if self.given is not True:
            return Unknown("nothing was changed"), Unknown("nothing was changed")
        session = self._session()
        claim = next(each for each in session.claims() if each.name == NAME)
        raw = session.cluster.get("PersistentVolume", claim.volume)
        name = raw["spec"].get("volumeAttributesClassName", "")
        parameters = session.cluster.get(_KIND, name)["parameters"] if name else {}
        disk = raw["spec"]["csi"]["volumeHandle"].rpartition("/")[2]
        disks = session.azure.disks()
        if isinstance(disks, Unknown):
            return frozenset({(disk, parameters.get("skuName", ""))}), disks
        found = frozenset((each.name, each.sku) for each in disks if each.name == disk)
        return frozenset({(disk, parameters.get("skuName", ""))}), found

    def _possible(self) -> tuple[Holds, str]:
        """Whether this can be done here, and what was seen of that."""
        session = self._session()
        if self._grow.given is not True:
            return self._grow.given, "nothing was made here"
        try:
            session.cluster.list(_KIND)
        except NotFound:
            return None, f"this cluster serves no {_KIND} ({_GROUP}/v1: Kubernetes 1.34 and later)"
        except NotAllowed as error:
            return Unknown(error.message), "not listed"
        if not self._wanted():
            return None, f"no other SKU is tried with {self._sku() or 'a class that names none'}"
        for verb in ("create", "delete"):
            allowed = session.cluster.allowed(verb, "volumeattributesclasses", _GROUP)
            if allowed is not True:
                return Unknown(f"this identity may not {verb} volumeattributesclasses.{_GROUP}"), "not allowed"
        return True, f"{self._sku()} can become {self._wanted()}"

    def _sku(self) -> str:
        """That of the claims' class."""
        name = self._session().parameters.storage_class
        found: list[StorageClass] = [each for each in self._session().cluster.classes() if each.name == name]
        return found[0].sku if found else ""

    def _wanted(self) -> str:
        return _OTHER.get(self._sku(), "")

    def _name(self) -> str:
        return f"aksdisks-{self._session().run_id}-sku"

    def _told(self, *reasons: str) -> str:
        """Wait for an event about the claim with one of these reasons, and give it: `reason: message`."""

        def those(events: tuple[KubeEvent, ...]) -> list[KubeEvent]:
            return [each for each in events if each.object == NAME and each.reason in reasons]

        found = self._session().wait_for(
            "Event", lambda events: bool(those(events)), f"the disk of {NAME} to be changed", labelled=False
        )
        last = those(found)[-1]
        return f"{last.reason}: {last.message}"


def in_short(told: str) -> str:
    """An event of the resizer's with Azure's code and sentence alone, where it has an answer of Azure's in it."""
    reason, _, message = told.partition(": ")
    code, sentence = _CODE.search(message), _SENTENCE.search(message)
    return f"{reason}: {code[1]}: {sentence[1]}" if code and sentence else told.partition("\n")[0]


def _nothing() -> Card:
    return Card("Nothing is done here", [("why", "see the check above")])
