"""What `aksdisks diagnose` asks: about which object of which chosen cluster, and what is found there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from aksdisks.azure.compute import Azure
from aksdisks.errors import ApiError, InputError, NotAllowed, NotFound, NotReachable, did_you_mean
from aksdisks.inspection.connection import azure_of, reach
from aksdisks.inspection.diagnosis.causes.api_unreachable import unreachable
from aksdisks.inspection.diagnosis.findings import Diagnosis, ObjectRef
from aksdisks.inspection.diagnosis.reading import SNAPSHOTS, AzureOf, Places, examine
from aksdisks.kube.client import Cluster
from aksdisks.model import Inventory, Named, NotServed, Volume, decode, known
from aksdisks.targets.choice import Choice
from aksdisks.waiting import Progress, silent

# The names that kubectl takes for these kinds.
_KINDS = {
    "Pod": ("pod", "pods", "po"),
    "PersistentVolumeClaim": ("pvc", "persistentvolumeclaim", "persistentvolumeclaims"),
    "PersistentVolume": ("pv", "persistentvolume", "persistentvolumes"),
    "VolumeSnapshot": ("volumesnapshot", "volumesnapshots", "vs"),
}
_EXPECTED = "pod/NAME, pvc/NAME, pv/NAME or volumesnapshot/NAME"
KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Question:
    """About one object, or about all in a namespace (None: in all of them)."""

    namespace: str | None
    about: ObjectRef | None = None


def question(text: str, namespace: str | None, *, everywhere: bool, context_namespace: str) -> Question:
    """The question of `pod/NAME`, `pvc/NAME`, `pv/NAME`, `volumesnapshot/NAME` or an empty text, with `-n` and `-A`.

    Raises InputError for what kubectl would not take either.
    """
    if everywhere and namespace:
        raise InputError(object="-n and -A", expected="one of them", found="both")
    where = namespace or context_namespace
    if not text:
        return Question(None if everywhere else where)
    word, slash, name = text.partition("/")
    kind = KIND_OF.get(word.lower())
    if kind is None or not slash or not name or "/" in name:
        hint = did_you_mean(word.lower(), KIND_OF) if kind is None else ""
        raise InputError(object="object", expected=_EXPECTED, found=repr(text), hint=hint)
    if kind == "PersistentVolume":
        return Question(where, ObjectRef(kind, "", name))
    if everywhere:
        raise InputError(object="-A", expected="no object beside it: a name is looked for in a namespace", found=text)
    return Question(where, ObjectRef(kind, where, name))


@dataclass(frozen=True)
class Asked:
    """A chosen cluster that can be asked; Azure's client is made when it is needed."""

    cluster: Cluster
    azure: AzureOf
    time_scale: float

    def diagnosis(self, asked: Question) -> tuple[Inventory, Diagnosis]:
        """What is found; raises InputError where there is no such object or namespace, NotReachable for no answer."""
        about, namespace = asked.about, asked.namespace
        if about is not None and about.kind == "PersistentVolume":
            namespace = self._namespace_of(about.name, namespace)
        inventory, found = examine(self.cluster, self.azure, namespace, self.time_scale, about)
        if about is not None:
            require(inventory, about)
        elif namespace and not (inventory.pods or inventory.claims or inventory.events):
            self.require_namespace(namespace)
        return inventory, found

    def _namespace_of(self, volume: str, otherwise: str | None) -> str | None:
        """The namespace of the volume's claim."""
        try:
            found: Volume = decode("PersistentVolume", self.cluster.get("PersistentVolume", volume))
        except NotAllowed:
            return otherwise  # the list will tell
        except NotFound as error:
            raise _missing("PersistentVolume", volume, "", self.cluster.volumes()) from error
        return found.claim_namespace or otherwise

    def require_namespace(self, name: str) -> None:
        """Raises InputError where there is no such namespace; nothing where nobody may look."""
        try:
            if self.cluster.find("Namespace", name) is not None:
                return
            names = [each.name for each in self.cluster.list("Namespace")]
        except (NotAllowed, ApiError):
            return  # who may not look at namespaces is told what is in them
        raise InputError(
            object="namespace", expected="one that is there", found=repr(name), hint=did_you_mean(name, names)
        )


def require(inventory: Inventory, about: ObjectRef) -> None:
    """Raises InputError where an inventory that has all objects of its kind does not have this one."""
    if about.kind == SNAPSHOTS and isinstance(snapshots := inventory.volume_snapshots, NotServed):
        raise InputError(object=about.kind, expected="a cluster that has such objects", found=snapshots.because)
    if not is_there(inventory, about):
        raise _missing(about.kind, about.name, about.namespace, _all(inventory, about.kind))


def is_there(inventory: Inventory, about: ObjectRef) -> bool:
    """Whether an inventory has the object; True where objects of its kind could not be read."""
    return about.kind in inventory.unreadable or about.name in {each.name for each in _all(inventory, about.kind)}


def is_going(inventory: Inventory, about: ObjectRef) -> bool:
    """Whether an inventory has the object, and it is being deleted."""
    return any(each.deleting for each in _all(inventory, about.kind) if each.name == about.name)


def _all(inventory: Inventory, kind: str) -> Sequence[Named]:
    found: dict[str, Sequence[Named]] = {
        "Pod": inventory.pods,
        "PersistentVolumeClaim": inventory.claims,
        "PersistentVolume": inventory.volumes,
        "VolumeSnapshot": known(inventory.volume_snapshots),
    }
    return found[kind]


def _missing(kind: str, name: str, namespace: str, there: Sequence[Named]) -> InputError:
    where = f" in namespace {namespace}" if namespace else ""
    hint = did_you_mean(name, [each.name for each in there])
    return InputError(object=kind, expected=f"one that is there{where}", found=repr(name), hint=hint)


def open_cluster(choice: Choice, progress: Progress = silent) -> Asked:
    """The chosen cluster, which is only asked here where `expect` says which one it has to be."""
    settings = choice.settings
    if settings.expected:
        target = reach(choice.parameters, settings, progress)
        return Asked(target.cluster, target.azure, settings.time_scale)
    cluster = Cluster(settings.kubernetes(), progress)
    made: Callable[[Places], Azure] = partial(azure_of, settings, progress=progress)
    return Asked(cluster, made, settings.time_scale)


def ask(asked: Asked, what: Question) -> Diagnosis:
    """What is found; a cluster that does not answer is a finding of its own."""
    try:
        return asked.diagnosis(what)[1]
    except NotReachable as error:
        return silence(asked.cluster.server, error)


def silence(server: str, error: NotReachable) -> Diagnosis:
    """The diagnosis of an API server that does not answer."""
    return Diagnosis(target=server, at=datetime.now(UTC), findings=(unreachable(server, error.message),), unseen=())
