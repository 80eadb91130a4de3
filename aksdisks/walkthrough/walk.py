"""What runbooks import, and all they import: a walk is a session with its looks, acts, claims and clean-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from aksdisks import manifests
from aksdisks.errors import InputError
from aksdisks.inspection.comparison import Scope, check_agreement
from aksdisks.inspection.diagnosis.reading import judge
from aksdisks.inspection.inventory import read_inventory
from aksdisks.inspection.preflight import rights
from aksdisks.model import Inventory
from aksdisks.parameters import from_namespace
from aksdisks.prices import cost_per_day, disk_tier
from aksdisks.quantities import gib
from aksdisks.session.session import Session, open_session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView
from aksdisks.views.look import Look
from aksdisks.views.markup import View
from aksdisks.views.timeline import Timeline
from aksdisks.walkthrough import progress
from aksdisks.walkthrough.acts import Acts
from aksdisks.walkthrough.backup import Backup
from aksdisks.walkthrough.claims import Claims, kubectl
from aksdisks.walkthrough.dry_runs import DryRuns
from aksdisks.walkthrough.grow import Grow
from aksdisks.walkthrough.node_loss import Loss
from aksdisks.walkthrough.notes import Notes
from aksdisks.walkthrough.replicated import Replicated
from aksdisks.walkthrough.shared_files import SharedFiles
from aksdisks.walkthrough.sku_change import SkuChange
from aksdisks.walkthrough.stateful_set import StatefulSet
from aksdisks.walkthrough.static_disk import StaticDisk
from aksdisks.walkthrough.stuck import Stuck
from aksdisks.walkthrough.whose_disk import WhoseDisk

_SCOPES: Mapping[str, Scope] = {
    "": bool,
    "deployment": lambda claim: claim == manifests.CLAIM,
    "stateful set": lambda claim: claim.startswith(f"{manifests.CLAIM_TEMPLATE}-{manifests.STATEFUL_SET}-"),
}


def open_walk(names: Mapping[str, Any]) -> Walk:
    """Open the session that the notebook's parameters (its `globals()`) ask for."""
    parameters, former = from_namespace(names), names.get("walk")
    progress.watch_cells()
    if isinstance(former, Walk) and former.cleaned is None:
        if former.parameters == parameters and not former.ended and not former.session.connection.problem():
            return former  # the cell was run again; what it opened is still there
        former.clean_up(ask=False)
    return Walk(open_session(parameters, progress=progress.progress))


class Walk(Claims):
    """One runbook's way through the article: looks, claims and the clean-up.

    `act` changes the cluster, `dry_run` asks for what is refused, `stateful_set` knows that workload, `notes` are
    written to the disks, `loss` loses a machine, `stuck` makes what keeps pods from running, `whose` an orphan and what
    looks like one, `static` a disk without a claim; `grow` grows claims, `sku` gives a disk another SKU, `backup` takes
    a snapshot and makes copies, `store` has an operator look after one; `files` are shared by many pods.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session.namespace)
        self._session = session
        self.cleaned: View | None = None
        self.ended = False  # once its last cell was run, opening it again starts over
        self.parameters = session.parameters
        self.act = Acts(self._opened)
        self.dry_run = DryRuns(self._opened)
        self.stateful_set = StatefulSet(self._opened, session.parameters, lambda: self.act.rollout)
        self.notes = Notes(self._opened)
        self.loss = Loss(self._opened, self._inventory, self.act, self.notes)
        self.stuck = Stuck(self._opened, self._inventory)
        self.whose = WhoseDisk(self._opened)
        self.static = StaticDisk(self._opened)
        self.grow = Grow(self._opened, self._inventory)
        self.sku = SkuChange(self._opened, self.grow)
        self.backup = Backup(self._opened)
        self.store = Replicated(self._opened)
        self.files = SharedFiles(self._opened)

    @property
    def session(self) -> Session:
        """The open session; raises InputError after the clean-up."""
        if self.cleaned is not None:
            raise InputError(
                object="this walk",
                expected="an open session",
                found="it cleaned up",
                hint="run the cell that opens it again, and those below it",
            )
        return self._session

    def _opened(self) -> Session:
        return self.session

    def look(self, scope: str = "") -> Look:
        """Both sides now; `scope` narrows what is compared to the "deployment" or the "stateful set"."""
        return Look(self._inventory(), _SCOPES[scope])

    def _inventory(self) -> Inventory:
        session = self.session
        found = read_inventory(session.cluster, session.azure, session.namespace, session.time_scale)
        return judge(found, session.cluster, session.azure)[0]

    def banner(self) -> Stack:
        """Where this runs and what it costs, with the check that Kubernetes' nodes are Azure's machines."""
        now, parameters = self.look(), self.parameters
        sku, size = now.storage_class(parameters.storage_class).sku, gib(parameters.size)
        price, tier = cost_per_day(sku, size), disk_tier(sku, size)
        billed = f", billed as {tier}" if tier else ""
        cost = f", about {price:.2f} USD a day" if price else ""
        rows = (
            ("target", parameters.target),
            ("namespace", self.namespace + (" (made for this run)" if parameters.namespace == "create" else "")),
            ("node resource group", now.inventory.resource_group),
            ("nodes", len(now.inventory.nodes)),
            ("each claim", f"{parameters.size} of {parameters.storage_class}{billed}{cost}"),
        )
        same = check_agreement("Kubernetes' nodes are Azure's machines", now.kubernetes.nodes, now.azure.nodes)
        return Stack([Table("Where this runs", ("", ""), rows), CheckView(same)])

    def rights(self) -> CheckView:
        """The check that this identity may do what the runbooks do."""
        return CheckView(rights(self.session.connection))

    def timeline(self, title: str = "From the command to a running pod") -> Timeline:
        """When the pods of the last act were scheduled, got their disk and started."""
        return Timeline(title, self.act.rollout.timeline(self._inventory(), self.session.time_scale))

    def manifest(self, kind: str) -> Card:
        """The object as a file, and the command that applies it; `kind` is claim, deployment or stateful_set."""
        file = f"{kind.replace('_', '-')}.yaml"
        body = manifests.as_yaml(getattr(self.session.objects, kind))
        return Card(file, content=body, typed=kubectl(self.namespace, f"apply -f {file}"))

    def clean_up(self, *, ask: bool = True) -> View:
        """Remove what this runbook made, check that nothing is left; `ask` first where all cells are run at once."""
        if self.cleaned is not None:
            return self.cleaned
        if ask and progress.run_with_others():
            self.ended = True
            return Card("Nothing is removed yet: there is something to try above. Then run this cell on its own.")
        self.loss.close()
        self.store.close()
        if self.parameters.run_id:  # a runner's run is the runner's to clean
            self.act.leave()
            self.session.close()
            self.cleaned = Card("The next runbook goes on from here; the runner removes all at the end of its run.")
            return self.cleaned
        done = self.session.clean_up()
        nothing = "nothing that Kubernetes shows is left" if done.uncertain else "nothing is left"
        left = "; ".join(done.problems) or nothing + (f" but {', '.join(done.kept)}" if done.kept else "")
        kinds = Counter(line.partition(" ")[0] for line in done.removed)
        removed = Table("Removed", ("kind", "how many"), sorted(kinds.items(), key=lambda item: str(item[0]).lower()))
        result = Stack([removed, self.check("What this runbook made is removed", done.complete, left)])
        if done.complete:  # else it can be tried again
            self.session.close()
            self.cleaned = result
        return result
