"""A rolling update starts a new pod that waits for the disk which the old one has.

What it is
    A Deployment whose pods mount a ReadWriteOnce claim, with the strategy RollingUpdate and a `maxSurge` above 0. Both
    are the defaults.

Why it hurts
    An update makes the new pod before it ends the old one. On another node the new pod waits for the disk, and the old
    pod is not ended before the new one is Ready: neither ends by itself, and the update stands still until it counts as
    failed, after ten minutes.

Instead
    The strategy `Recreate`: the old pod ends first, and the program stops for as long as the disk takes to move. With
    RollingUpdate, `maxSurge: 0` and `maxUnavailable: 1` do the same. A StatefulSet always ends the old pod first.

Not meant
    Deployments whose pods all stand on one node, by `nodeName`, the node's hostname or a required affinity to each
    other; those that are scaled to 0; classes that are known to make no disks.

Opposed by
    kube-linter (`no-rolling-update-strategy`) asks for RollingUpdate.
    kube-score (`deployment-strategy`) asks for RollingUpdate.

Links
    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#strategy
    https://github.com/Azure/AKS/issues/477
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aksdisks.inspection.lint.edits import Edit
from aksdisks.inspection.lint.reading import Manifest
from aksdisks.inspection.lint.rule import Hit, Rule
from aksdisks.inspection.lint.sharing import doubt, level, named, one_node_claims
from aksdisks.inspection.lint.workloads import Workload, count
from aksdisks.inspection.lint.world import World
from aksdisks.model.decoding import mapping

# What a Deployment has that says nothing of it.
_SURGE = "25%"
# More digits are no share; Python refuses to read thousands of them.
_SHARE = re.compile("([0-9]{1,9})%?")


def _judge(world: World, manifest: Manifest) -> Iterator[Hit]:
    workload = world.workload(manifest)
    if workload is None or workload.ended or (surge := _surge(workload)) == 0:
        return
    claims = one_node_claims(world, workload)
    if not claims:
        return
    more = f"{surge} new pod{'s' if surge > 1 else ''}"
    because = f"an update starts {more} before the old one ends, and both need {named(claims)}{doubt(claims)}"
    has = "strategy" in workload.spec
    yield Hit(
        because=because,
        place=("spec", "strategy") if has else ("spec",),
        edits=(Edit(("spec", "strategy"), {"type": "Recreate"}),),
        level=level(claims),
    )


def _surge(workload: Workload) -> int:
    """How many pods an update may start before it ends others."""
    strategy = mapping(workload.spec, "strategy")
    if strategy.get("type") == "Recreate":
        return 0
    surge = mapping(strategy, "rollingUpdate").get("maxSurge", _SURGE)
    if (pods := count(surge)) is not None:
        return pods
    share = _SHARE.fullmatch(str(surge))
    return -(-(workload.replicas or 1) * int(share[1]) // 100) if share else 1


RULE = Rule(id="rwo-rolling-update", level="error", judge=_judge, kinds=("Deployment",), page=__doc__)
