"""What the runbooks beyond the article wait for: that the pod of an app runs, that pods end, that a disk is free."""

from __future__ import annotations

from typing import Any

from aksdisks.session.session import Session


def running(session: Session, app: str) -> str:
    """Wait until the one pod of an app runs; its name."""
    found = session.wait_for(
        "Pod",
        lambda pods: len(pods) == 1 and pods[0].ready and not pods[0].deleting,
        f"the pod of {app} to run",
        app=app,
    )
    return str(found[0].name)


def ended(session: Session, app: str) -> None:
    """Wait until no pod of an app is left."""
    session.wait_for("Pod", lambda pods: not pods, f"the pod of {app} to end", app=app)


def detached(session: Session, name: str) -> None:
    """Wait until Azure says that no machine holds the disk of this name."""
    disks: Any = session.azure.follow_disks()
    held = lambda disk: disk.name == name and bool(disk.managed_by)  # noqa: E731
    session.wait(f"disk {name} to be detached", disks, lambda found: not any(map(held, found)))
