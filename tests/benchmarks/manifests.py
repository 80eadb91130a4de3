"""A thousand manifests as repositories have them, a file each: some of them have something to find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

COUNT = 1000
_ARTICLE = Path(__file__).parents[1] / "lab" / "article"
_DEPLOYMENTS = 400
_NAMES = ("azure-managed-disk", "disk-deploy", "disk-pod", "disk-stateful-set", "stateful-disk-pod")


def write(folder: Path) -> None:
    """Claims and Deployments, of which every second surges, then stateful sets."""
    for number, text in enumerate(_texts()):
        (folder / f"{number:04}.yaml").write_text(text, encoding="utf-8")


def _texts() -> Iterator[str]:
    claim, deployment = (_ARTICLE / "dynamic-with-deploy.yaml").read_text("utf-8").split("---\n")
    stateful_set = (_ARTICLE / "dynamic-with-stateful.yaml").read_text("utf-8")
    for number in range(_DEPLOYMENTS):
        recreate = "  replicas: 1\n  strategy:\n    type: Recreate\n" if number % 2 else "  replicas: 1\n"
        yield _named(claim, number)
        yield _named(deployment.replace("  replicas: 1\n", recreate), number)
    for number in range(COUNT - 2 * _DEPLOYMENTS):
        yield _named(stateful_set, number)


def _named(text: str, number: int) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(f"{line.rstrip()}-{number}\n" if line.rstrip().endswith(_NAMES) else line for line in lines)
