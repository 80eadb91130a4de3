"""See, test and prove how dynamic Azure disks behave in AKS.

    with aksdisks.connect(context="my-aks") as target:    # reads; makes nothing
        inventory = target.inventory(namespace="shop")    # None: all namespaces
        inventory.frame("disks")                          # a pandas DataFrame, one row a disk
        findings = aksdisks.diagnose(inventory)           # pure

    with aksdisks.start_lab(speed=100) as lab:            # a private lab
        lab.kubeconfig, lab.environment

A name is loaded when it is first used: `import aksdisks` by itself loads neither pandas nor a client. docs/reference.md
tells of each.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; the module typing would take longer to load than all of this
if TYPE_CHECKING:
    from aksdisks.errors import AksdisksError, CannotRun, InputError, NotAllowed, NotReachable, WaitTimeout
    from aksdisks.evidence.result import RunResult
    from aksdisks.inspection.connection import Target, connect
    from aksdisks.inspection.diagnosis import Finding, diagnose
    from aksdisks.model import Attachment, Chain, Claim, Disk, Inventory, Machine, Node, Pod, Unknown, Volume
    from aksdisks.model.checks import Check
    from aksdisks.model.ownership import Ownership
    from aksdisks.parameters import Parameters
    from aksdisks.prices import PriceList
    from aksdisks.runner.runner import run_runbooks
    from aksdisks.targets.lab import Lab, start_lab

__version__ = "0.1.0"
__all__ = [
    "AksdisksError",
    "Attachment",
    "CannotRun",
    "Chain",
    "Check",
    "Claim",
    "Disk",
    "Finding",
    "InputError",
    "Inventory",
    "Lab",
    "Machine",
    "Node",
    "NotAllowed",
    "NotReachable",
    "Ownership",
    "Parameters",
    "Pod",
    "PriceList",
    "RunResult",
    "Target",
    "Unknown",
    "Volume",
    "WaitTimeout",
    "connect",
    "diagnose",
    "run_runbooks",
    "start_lab",
]
_MODULES = {
    "aksdisks.errors": ("AksdisksError", "CannotRun", "InputError", "NotAllowed", "NotReachable", "WaitTimeout"),
    "aksdisks.evidence.result": ("RunResult",),
    "aksdisks.inspection.connection": ("Target", "connect"),
    "aksdisks.inspection.diagnosis": ("Finding", "diagnose"),
    "aksdisks.model": (
        "Attachment",
        "Chain",
        "Claim",
        "Disk",
        "Inventory",
        "Machine",
        "Node",
        "Pod",
        "Unknown",
        "Volume",
    ),
    "aksdisks.model.checks": ("Check",),
    "aksdisks.model.ownership": ("Ownership",),
    "aksdisks.parameters": ("Parameters",),
    "aksdisks.prices": ("PriceList",),
    "aksdisks.runner.runner": ("run_runbooks",),
    "aksdisks.targets.lab": ("Lab", "start_lab"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # so that type checkers know the names above, and no others

    def __getattr__(name: str) -> object:
        """A name of `__all__`, from its module, which is imported now."""
        from importlib import import_module

        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULE_OF[name]), name)
        return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
