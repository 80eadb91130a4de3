"""A set's claims are to change, which the API server refuses of a set that exists.

What it is
    A StatefulSet in a file whose `volumeClaimTemplates` differ from those of the set in the cluster: another size,
    class, access mode or name. It needs `--cluster` beside the files.

Why it hurts
    `updates to statefulset spec for fields other than … are forbidden`: the file is refused as a whole, with all else
    that is new in it. A Helm release fails at this point, and stays between two versions.

Instead
    To grow the disks, give each claim its new size, delete the set without its pods, and make it again from the file:
    the commands are those of the finding. For another class or access mode, the data has to be copied to new claims.

Not meant
    A set that is not in the cluster yet. What an API server fills in where the file says nothing.

Opposed by
    No check that we know of.

Links
    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#limitations
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims
    https://github.com/kubernetes/kubernetes/issues/69041
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.workloads import ClaimTemplate, Workload
from aksdisks.inspection.lint.world import World
from aksdisks.model.decoding import find
from aksdisks.quantities import parse_quantity

_SIZE = "spec.resources.requests.storage"
# What is compared, and what an API server takes it for where it is not said.
_FIELDS: dict[str, Any] = {_SIZE: None, "spec.storageClassName": None, "spec.accessModes": None,
                           "spec.volumeMode": "Filesystem"}  # fmt: skip


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    live = world.live(manifest)
    if live is None or live is manifest:
        return
    wanted, there = Workload(manifest).claim_templates, Workload(live).claim_templates
    names = [[each.name for each in templates] for templates in (wanted, there)]
    if names[0] != names[1]:
        says, has = (", ".join(each) or "none" for each in names)
        because = f"the file has the claim templates {says}, the set in the cluster {has}: that cannot be changed"
        yield Hit(because=because, place=("spec", "volumeClaimTemplates"))
        return
    for new, old in zip(wanted, there, strict=True):
        changed = [field for field in _FIELDS if _said(new.raw, field) != _said(old.raw, field)]
        for field in changed:
            says, has = (_shown(each.raw, field) for each in (new, old))
            name = field.rpartition(".")[2]
            because = f"the file gives claims {new.name} {name} {says}, the set in the cluster has {has}: it is refused"
            commands = _commands(world, manifest, live, new) if changed == [_SIZE] else ()
            yield Hit(because=because, place=(*new.path, *field.split(".")), commands=commands)


def _said(raw: dict[str, Any], field: str) -> Any:
    """What a template says, in a form that can be compared."""
    found = find(raw, field, _FIELDS[field])
    try:
        return parse_quantity(str(found)) if field == _SIZE and found is not None else found
    except ValueError:
        return found


def _shown(raw: dict[str, Any], field: str) -> str:
    found = find(raw, field, _FIELDS[field])
    return ", ".join(map(str, found)) if isinstance(found, list) else "none" if found is None else str(found)


def _commands(world: World, manifest: Manifest, live: Manifest, template: ClaimTemplate) -> tuple[str, ...]:
    """What makes the disks larger: each claim, then the set without its pods."""
    space = f"-n {shlex.quote(manifest.namespace)}"
    size = find(template.raw, _SIZE)
    patch = shlex.quote(f'{{"spec":{{"resources":{{"requests":{{"storage":"{size}"}}}}}}}}')
    stem = f"{template.name}-{manifest.name}-"
    there = [
        each.name
        for each in world.of("PersistentVolumeClaim")
        if each.namespace == live.namespace and each.name.startswith(stem) and each.name[len(stem) :].isdecimal()
    ]
    claims = sorted(there, key=lambda name: int(name[len(stem) :]))
    return (
        *(f"kubectl patch pvc {name} {space} -p {patch}" for name in claims),
        f"kubectl delete statefulset {manifest.name} {space} --cascade=orphan",
        f"kubectl apply {space} -f {shlex.quote(manifest.file)}",
    )


RULE = Rule(
    id="template-storage-change",
    level="error",
    judge=_judge,
    kinds=("StatefulSet",),
    cluster_only=True,
    page=__doc__,
)
