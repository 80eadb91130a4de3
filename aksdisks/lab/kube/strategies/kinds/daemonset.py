"""DaemonSets (pkg/registry/apps/daemonset): those of AKS's add-ons can be read, and nobody else can make any."""

from __future__ import annotations

from aksdisks.lab.kube.schema.resource import APPS, Resource
from aksdisks.lab.kube.strategies import columns, poddefaults, workloads
from aksdisks.lab.kube.strategies.columns import column
from aksdisks.lab.kube.strategies.defaults import default
from aksdisks.lab.kube.strategies.rules import not_negative
from aksdisks.lab.kube.strategies.strategy import Strategy

_COUNTS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")

STRATEGIES = (
    Strategy(
        Resource(
            "daemonsets",
            "DaemonSet",
            APPS,
            short_names=("ds",),
            categories=("all",),
            subresources=("status",),
            generation=True,
            ready_made="the lab runs no DaemonSet but those that AKS brings, so it takes none and changes none",
        ),
        columns=(
            columns.NAME,
            column("Desired", "status.desiredNumberScheduled", 0, type="integer"),
            column("Current", "status.currentNumberScheduled", 0, type="integer"),
            column("Ready", "status.numberReady", 0, type="integer"),
            column("Up-to-date", "status.updatedNumberScheduled", 0, type="integer"),
            column("Available", "status.numberAvailable", 0, type="integer"),
            column("Node Selector", lambda item: columns.pairs(item["spec"]["template"]["spec"].get("nodeSelector"))),
            columns.AGE,
            *columns.containers("spec.template"),
            columns.selector("spec.selector"),
        ),
        known_finalizers=True,
        status_keeps=("labels",),
        defaults=(
            default("", spec={}),
            *poddefaults.template("spec"),
            default("spec", updateStrategy={}, revisionHistoryLimit=10),
            default("spec.updateStrategy", type="RollingUpdate"),
            default("spec.updateStrategy", rollingUpdate=workloads.rolls),
            default("spec.updateStrategy.rollingUpdate", maxUnavailable=1, maxSurge=0),
            workloads.drop_zeros(
                "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable"
            ),
        ),
        status=dict.fromkeys(_COUNTS, 0),
        rules=not_negative("spec.minReadySeconds", "spec.revisionHistoryLimit"),
        changes=(workloads.selector_change,),
    ),
)
