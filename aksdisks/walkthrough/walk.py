"""What runbooks import, and all they import: a walk is a session with its looks, acts, claims and clean-up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import partial
from typing import Any

from aksdisks import manifests
from aksdisks.errors import ApiError, InputError
from aksdisks.inspection.comparison import Said, Scope, by_age, compare
from aksdisks.inspection.diagnosis import diagnose
from aksdisks.inspection.inventory import read_inventory
from aksdisks.inspection.preflight import rights
from aksdisks.inspection.rollout import Rollout
from aksdisks.model import Inventory, Pod, Unknown
from aksdisks.model.checks import Check, Holds, check, refusal
from aksdisks.parameters import from_namespace
from aksdisks.quantities import cost_per_day, disk_tier, gib
from aksdisks.session.session import Session, open_session
from aksdisks.views.base import Card, Stack, Table
from aksdisks.views.checks import CheckView, RefusalView
from aksdisks.views.look import Look
from aksdisks.views.markup import View
from aksdisks.views.timeline import Timeline
from aksdisks.walkthrough import progress, proof

_ABOVE = "run the cells above first"
_SET = ("StatefulSet", manifests.STATEFUL_SET)
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


class Walk:
    """One runbook's way through the article: each method is a look, an act, a claim or the clean-up."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.cleaned: View | None = None
        self.ended = False  # once its last cell was run, opening it again starts over
        self.parameters = session.parameters
        self.namespace = session.namespace
        self._statements: tuple[str, ...] = ()
        self._verdicts: dict[int, Check] = {}
        self._rollout = Rollout("")
        self._notes: proof.Notes = Unknown("no note was written")

    @property
    def session(self) -> Session:
        """The open session; raises InputError after the clean-up."""
        if self.cleaned is not None:
            raise InputError(
                "this walk: expected an open session, found it cleaned up",
                hint="run the cell that opens it again, and those below it",
            )
        return self._session

    # Looks

    def look(self, scope: str = "") -> Look:
        """Both sides now; `scope` narrows what is compared to the "deployment" or the "stateful set"."""
        return Look(self._inventory(), _SCOPES[scope])

    def _inventory(self) -> Inventory:
        return read_inventory(self.session.cluster, self.session.azure, self.session.namespace)

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
        same = compare("Kubernetes' nodes are Azure's machines", now.kubernetes.nodes, now.azure.nodes)
        return Stack([Table("Where this runs", ("", ""), rows), CheckView(same)])

    def rights(self) -> CheckView:
        """The check that this identity may do what the runbooks do."""
        return CheckView(rights(self.session.connection))

    def timeline(self, title: str = "From the command to a running pod") -> Timeline:
        """When the pods of the last act were scheduled, got their disk and started."""
        return Timeline(title, self._rollout.timeline(self._inventory(), self.session.time_scale))

    # Claims

    def claims(self, *statements: str) -> Table:
        """Number the statements that this runbook will judge."""
        self._statements = statements
        return Table("This runbook claims", ("", "claim"), list(enumerate(statements, 1)))

    def claim(self, number: int, holds: Holds, seen: object, *, shown: View | None = None) -> View:
        """Judge a numbered claim, below what is shown."""
        return self._judge(number, check(self._statement(number), holds, seen), shown)

    def agree(
        self,
        number: int,
        kubernetes: Said,
        azure: Said,
        *,
        count: int | None = None,
        given: Holds = True,
        shown: View | None = None,
        sides: tuple[str, str] = ("Kubernetes", "Azure"),
    ) -> View:
        """Judge a claim by both sides: they say the same, of `count` things (default: at least one).

        Where its precondition is not given, the claim is inconclusive and says why, or is not applicable (None).
        """
        made = compare(self._statement(number), kubernetes, azure, count=count, sides=sides)
        if given is not True:
            made = check(made.statement, given, "its precondition is not given here")
        return self._judge(number, made, shown)

    def unchanged(self, number: int, before: Said, after: Said, *, shown: View | None = None) -> View:
        """Judge a claim by the same word before and after, of at least one thing."""
        return self.agree(number, before, after, shown=shown, sides=("before", "after"))

    def check(self, statement: str, holds: Holds, seen: object) -> CheckView:
        """A check beside the numbered claims, such as a precondition."""
        return CheckView(check(statement, holds, seen))

    def tried(self, statement: str, words: str, done: object, holds: Holds, seen: object) -> Stack:
        """Invite the reader to type a kubectl command, and check what came of it; not applicable until it is `done`."""
        if not done:
            holds, seen = None, "not tried yet; do it, then run this cell again"
        return Stack([Card("In a terminal", typed=self._kubectl(words)), self.check(statement, holds, seen)])

    def refused(self, statement: str, act: Callable[..., object], *args: object, **named: object) -> RefusalView:
        """Try what the API must refuse, and show its answer as a value."""
        return RefusalView(refusal(statement, ApiError, act, *args, **named))

    def verdicts(self) -> Table:
        """The claims and how they came out."""
        judged = [(n, text, self._verdicts.get(n)) for n, text in enumerate(self._statements, 1)]
        rows = [(n, text, made.status if made else "not run", made.seen if made else "") for n, text, made in judged]
        return Table("The claims and their verdicts", ("", "claim", "verdict", "seen"), rows)

    # Acts: each waits until its effect is there, so that the next look sees it

    def manifest(self, kind: str) -> Card:
        """The object as a file, and the command that applies it; `kind` is claim, deployment or stateful_set."""
        file = f"{kind.replace('_', '-')}.yaml"
        body = manifests.as_yaml(getattr(self.session.objects, kind))
        return Card(file, content=body, typed=self._kubectl(f"apply -f {file}"))

    def apply_claim(self) -> Card:
        """Make the claim, and wait until it is bound or an event says what it waits for."""
        self.session.apply(self.session.objects.claim)
        claims = self.session.wait_for("PersistentVolumeClaim", _about(manifests.CLAIM), f"claim {manifests.CLAIM}")
        if all(claim.phase != "Bound" for claim in claims if claim.name == manifests.CLAIM):
            self.session.wait_for("Event", _about(manifests.CLAIM), f"an event of {manifests.CLAIM}", labelled=False)
        return self._done(f"Claim {manifests.CLAIM} is there", "apply -f claim.yaml")

    def apply_deployment(self, replicas: int = 1) -> Card:
        """Apply the article's first file and wait until each pod runs or is refused its volume."""
        if len(self.session.pods(manifests.DEPLOYMENT_APP)) != replicas or replicas == 1:
            objects = self.session.objects
            act = partial(self.session.apply, objects.claim, objects.deployment)
            self._roll(manifests.DEPLOYMENT_APP, 1, act)
            if replicas > 1:
                self.scale_deployment(replicas)
        return self._done(f"Deployment {manifests.DEPLOYMENT} is there", "apply -f deployment.yaml")

    def scale_deployment(self, replicas: int) -> Card:
        """Scale the Deployment and wait until each pod runs or is refused its volume."""
        name = manifests.DEPLOYMENT
        self._roll(manifests.DEPLOYMENT_APP, replicas, partial(self.session.scale, "Deployment", name, replicas))
        typed = f"""patch deploy {name} -p '{{"spec":{{"replicas":{replicas}}}}}'"""
        return self._done(f"Deployment {name} now asks for {replicas} pods", typed)

    def apply_stateful_set(self) -> Card:
        """Apply the article's second file and wait until all its pods run."""
        replicas = self.parameters.stateful_replicas
        act = partial(self.session.apply, self.session.objects.stateful_set)
        return self._roll_set(replicas, act, "apply -f stateful-set.yaml")

    def scale_stateful_set(self, replicas: int) -> Card:
        """Scale the StatefulSet and wait for its pods, and for the volumes of the departed to be detached."""
        typed = f"scale statefulset {manifests.STATEFUL_SET} --replicas={replicas}"
        return self._roll_set(replicas, partial(self.session.scale, *_SET, replicas), typed)

    def delete_stateful_set(self) -> Card:
        """Delete the StatefulSet and wait until its pods are gone and their volumes detached."""
        typed = f"delete statefulset {manifests.STATEFUL_SET}"
        return self._roll_set(0, partial(self.session.delete, *_SET), typed, "and its pods are gone")

    def delete_pod(self, pod: Pod) -> Card:
        """Delete a pod of the StatefulSet and wait until another runs under its name."""
        pods = self.session.pods(manifests.STATEFUL_APP)
        if pod.uid not in {each.uid for each in pods}:
            return Card(f"Pod {pod.name} was deleted before; the one that has its name now is left alone")
        self._roll(manifests.STATEFUL_APP, len(pods), partial(self.session.delete, "Pod", pod.name), without=pod.uid)
        return self._done(f"Pod {pod.name} was deleted, and runs again", f"delete pod {pod.name}")

    def delete_claim(self, name: str) -> Card:
        """Delete a claim that no pod uses and wait until its volume, and so its disk, is gone."""
        volumes = {claim.volume for claim in self.session.claims() if claim.name == name}
        self.session.delete("PersistentVolumeClaim", name)
        self.session.wait_for(
            "PersistentVolume",
            lambda found: not volumes & {volume.name for volume in found},
            f"the volume of claim {name} is gone",
            labelled=False,
        )
        return self._done(f"Claim {name} is gone, and its volume", f"delete pvc {name}")

    def pod(self, ordinal: int) -> Pod:
        """The StatefulSet's pod with this number, as it is now."""
        wanted = manifests.stateful_pod(ordinal)
        for pod in self.session.pods(manifests.STATEFUL_APP):
            if pod.name == wanted:
                return pod
        raise InputError(f"pod {wanted}: expected one, found none", hint=_ABOVE)

    def claim_name(self, ordinal: int) -> str:
        """The name of the claim of the StatefulSet's pod with this number."""
        return manifests.stateful_claim(ordinal)

    def names_by_ordinal(self) -> Said:
        """The claims that the StatefulSet will have, written down from its template alone."""
        return frozenset(map(manifests.stateful_claim, range(self.parameters.stateful_replicas)))

    def highest_first(self, fewer: int) -> tuple[str, ...]:
        """The pods above `fewer`, the highest ordinal first."""
        return tuple(map(manifests.stateful_pod, reversed(range(fewer, self.parameters.stateful_replicas))))

    def retention_policy(self) -> Stack:
        """What the StatefulSet does with its claims, with the check that it keeps them."""
        raw = self.session.cluster.get("StatefulSet", manifests.STATEFUL_SET, self.namespace)
        policy = raw["spec"].get("persistentVolumeClaimRetentionPolicy", {})
        shown = Table("persistentVolumeClaimRetentionPolicy", ("when", "then"), sorted(policy.items()))
        kept = set(policy.values()) <= {"Retain"}
        return Stack([shown, self.check("The set keeps its claims", kept, ", ".join(policy.values()) or "no policy")])

    # Bytes

    def write_notes(self) -> Card:
        """Write a note of its own on each pod's disk, through the pod; where that cannot be had, say why."""
        self._notes = written = proof.write(self.session)
        if written is None:
            return Card("No note is written", [("why", proof.NO_SHELL)])
        if isinstance(written, Unknown):
            return Card("No note could be written", [("because", written.because)])
        pod = manifests.stateful_pod(0)
        typed = f"exec {pod} -- sh -c 'echo NOTE > {manifests.MOUNT_PATH}/{pod}.note'"
        return self._done(f"Each of {len(written)} pods has a note of its own on its disk", typed)

    def notes_kept(self) -> CheckView:
        """The check that each pod finds on its disk the note that was written there, and no other."""
        statement = "Each pod finds on its disk the note that was written there, and no other"
        written, found = self._notes, proof.read(self.session, self._notes)
        if written is None or found is None:
            return self.check(statement, None, proof.NO_SHELL)
        sides = [said if isinstance(said, Unknown) else frozenset(said.items()) for said in (written, found)]
        return CheckView(compare(statement, sides[0], sides[1], sides=("written", "read")))

    # What the API refuses; all dry runs on the server, so that nothing would come of it if it did not

    def change(self, kind: str, **spec: object) -> None:
        """Ask for other values in the spec of our claim, deployment or stateful_set."""
        manifest = deepcopy(getattr(self.session.objects, kind))
        manifest["spec"].update(spec)
        self.session.cluster.apply(manifest, self.namespace, dry_run=True)

    def change_template(self, size: str) -> None:
        """Ask for another size in the StatefulSet's claim template."""
        template = deepcopy(self.session.objects.stateful_set["spec"]["volumeClaimTemplates"])
        template[0]["spec"]["resources"]["requests"]["storage"] = size
        self.change("stateful_set", volumeClaimTemplates=template)

    def create_claim(self, name: str, **spec: object) -> None:
        """Ask for one more claim of this name."""
        manifest = deepcopy(self.session.objects.claim)
        manifest["metadata"]["name"] = name
        manifest["spec"].update(spec)
        self.session.cluster.create(manifest, self.namespace, dry_run=True)

    def delete_exactly(self, pod: Pod) -> None:
        """Delete a pod only if it is still this very one, by its uid."""
        self.session.cluster.delete("Pod", pod.name, pod.namespace, uid=pod.uid)

    # Order

    def started_in_turn(self, look: Look) -> Said:
        """The disks in the order of their pods' start, as far as each pod came after the one before it ran."""
        disks = {c.pod.name: c.volume.disk_name for c in look.inventory.chains if c.pod and c.volume}
        order, ran = [], 0.0
        for moments in self._rollout.timeline(look.inventory, 1.0):
            if moments.created is None or moments.started is None or moments.created < ran or moments.pod not in disks:
                break
            order.append(disks[moments.pod])
            ran = moments.started
        return tuple(order) or Unknown("the pods ran before this runbook looked")

    def made_in_turn(self, look: Look) -> Said:
        """The disks in the order in which Azure made them."""
        return by_age(look.azure.births)

    def left_in_turn(self) -> tuple[str, ...]:
        """The pods that went during the last act, in that order."""
        return tuple(self._rollout.gone)

    # The end

    def clean_up(self, *, ask: bool = True) -> View:
        """Remove what this runbook made, check that nothing is left; `ask` first where all cells are run at once."""
        if self.cleaned is not None:
            return self.cleaned
        if ask and progress.run_with_others():
            self.ended = True
            return Card("Nothing is removed yet: there is something to try above. Then run this cell on its own.")
        if self.parameters.run_id:  # a runner's run is the runner's to clean
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

    def _statement(self, number: int) -> str:
        if number > len(self._statements):
            raise InputError(f"claim {number}: expected a number of its own, found none", hint=_ABOVE)
        return self._statements[number - 1]

    def _judge(self, number: int, verdict: Check, shown: View | None) -> View:
        self._verdicts[number] = verdict
        return Stack([shown, CheckView(verdict)]) if shown is not None else CheckView(verdict)

    def _roll(self, app: str, replicas: int, act: Callable[[], object], *, without: str = "") -> None:
        """Act, then follow the pods until all run or are refused, and what departed pods used is detached."""
        keep = {manifests.CLAIM, *map(manifests.stateful_claim, range(replicas))}
        departing = [c for c in self.session.claims() if app == manifests.STATEFUL_APP and c.name not in keep]
        leaving = {claim.volume for claim in departing if claim.volume}  # a Pending claim has none
        self._rollout = rollout = Rollout(app)
        with self.session.watch("Pod", "Event", "VolumeAttachment") as watcher:
            rollout.begin(watcher.initial)
            untold = leaving - rollout.attached_volumes()
            act()
            self.session.wait(
                f"{replicas} pod{'' if replicas == 1 else 's'} of app {app}",
                rollout.follow(watcher),
                lambda now: (
                    now.settled(replicas)
                    and without not in {pod.uid for pod in now.pods.values()}
                    and not leaving & now.attached_volumes()
                ),
                describe=lambda now: f"{now.ready} of {replicas} ready; {now.describe()}",
                on_timeout=lambda: self._causes({f"pod {pod.name}" for pod in rollout.pods.values()}),
            )
        if untold and self.session.azure.unknown is None:
            awaited, names = "disks without VolumeAttachment to be detached", tuple(untold)
            held = lambda disk: bool(disk.managed_by) and disk.name.endswith(names)  # noqa: E731
            disks: Any = self.session.azure.follow_disks()
            self.session.wait(awaited, disks, lambda found: not any(map(held, found)))

    def _roll_set(self, replicas: int, act: Callable[[], object], typed: str, outcome: str = "") -> Card:
        self._roll(manifests.STATEFUL_APP, replicas, act)
        return self._done(f"StatefulSet {manifests.STATEFUL_SET} {outcome or f'runs {replicas} pods'}", typed)

    def _causes(self, awaited: set[str]) -> str:
        found = diagnose(self._inventory())
        return "; ".join(f"{each.object}: {each.cause}" for each in found if each.object in awaited or not awaited)

    def _done(self, title: str, words: str) -> Card:
        """What an act shows: its effect, and what a person would have typed for it."""
        return Card(title, typed=self._kubectl(words))

    def _kubectl(self, words: str) -> str:
        return f"kubectl -n {self.namespace} {words}"


def _about(name: str) -> Callable[[tuple[Any, ...]], bool]:
    return lambda found: any(name in (each.name, getattr(each, "object", "")) for each in found)
