"""What the lab knows of container images, by their names alone: which have no shell, and which no registry has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

ABSENT = ("*:404", "*:doesnotexist", "*nosuchimage*")
"""Shell patterns of the images that a scenario takes for absent unless it lists others."""

_TAG = re.compile(r":[^/:@]+$")
_SHELL_LESS = re.compile(r"(^|[/-])(pause|distroless)([/-]|$)")


def repository(image: str) -> str:
    """The image's name without digest and tag."""
    return _TAG.sub("", image.partition("@")[0])


def reference(image: str) -> str:
    """The whole reference that containerd writes: with registry, path and tag (distribution reference/normalize.go)."""
    host, slash, _ = image.partition("/")
    if not slash:
        image = f"docker.io/library/{image}"
    elif not re.search(r"[.:]", host) and host != "localhost":
        image = f"docker.io/{image}"
    return image if "@" in image or _TAG.search(image) else f"{image}:latest"


def is_absent(image: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern means this image; one without a tag is `latest`."""
    return any(fnmatchcase(reference(image), pattern) for pattern in patterns)


def has_shell(image: str) -> bool:
    """False for the kinds known to have none: `pause`, and `distroless` but for its debug tags."""
    tag = image.partition("@")[0][len(repository(image)) + 1 :]
    return not _SHELL_LESS.search(repository(image)) or tag.startswith("debug")


def not_found(image: str) -> str:
    """The kubelet's error for an image that its registry does not have, in containerd's words."""
    whole = reference(image)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{whole}": '
        f'failed to resolve reference "{whole}": {whole}: not found'
    )
