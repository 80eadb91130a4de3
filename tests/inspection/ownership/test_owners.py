"""What a disk's pods or its claim belong to, up to the top of the chain of controllers, as far as that was read."""

import pytest

from aksdisks.model import Workload
from tests.inspection.ownership.rows import stateful_set, table
from tests.world import CLAIM, SPACE, claim, disk, pod, volume


def owned(kind, name, by="", **changes):
    return Workload(kind=kind, name=name, namespace=SPACE, owner=by, **changes)


CHAINS = [
    pytest.param("ReplicaSet/shop-1", (owned("ReplicaSet", "shop-1", "Deployment/shop"), owned("Deployment", "shop")),
                 "Deployment/shop", id="Deployment"),
    pytest.param("Job/import-1", (owned("Job", "import-1", "CronJob/import"), owned("CronJob", "import")),
                 "CronJob/import", id="CronJob"),
    pytest.param("Job/once", (owned("Job", "once"),), "Job/once", id="Job"),
    pytest.param("StatefulSet/web", (stateful_set(),), "StatefulSet/web", id="StatefulSet"),
    pytest.param("StatefulSet/web", (stateful_set(owner="Kafka/events"),), "Kafka/events", id="a set of an operator's"),
    pytest.param("Cluster/pg", (), "Cluster/pg", id="an operator's pods"),
    pytest.param("ReplicaSet/shop-1", (), "ReplicaSet/shop-1", id="ReplicaSets were not read"),
    pytest.param("", (), "Pod/a", id="a pod by itself"),
    pytest.param("Job/a", (owned("Job", "a", "Job/b"), owned("Job", "b", "Job/a")), "Job/b", id="a circle ends"),
    pytest.param("Job/a", (Workload(kind="Job", name="a", namespace="other", owner="CronJob/x"),), "Job/a",
                 id="of another namespace"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "workloads", "found"), CHAINS)
def test_the_chain_of_owners_goes_up_to_its_end(owner, workloads, found):
    (row,) = table(
        claims=(claim(),), volumes=(volume(),), disks=(disk(),), pods=(pod("a", 0, owner=owner),), workloads=workloads
    ).disks
    assert row.workload == found


def test_pods_of_several_workloads_name_them_all():
    pods = (pod("a", 0, owner="Job/one"), pod("b", 0, owner="Job/two"), pod("c", 0, owner="Job/one"))
    (row,) = table(claims=(claim(),), volumes=(volume(),), disks=(disk(),), pods=pods).disks
    assert row.workload == "Job/one, Job/two"


@pytest.mark.parametrize(
    ("name", "changes", "workloads", "found"),
    [
        ("www-web-0", {}, (stateful_set(),), "StatefulSet/web"),
        ("www-web-0", {}, (stateful_set(owner="Kafka/events"),), "Kafka/events"),
        ("data-pg-1", {"owner": "Cluster/pg"}, (), "Cluster/pg"),
        ("a-scratch", {"owner": "Pod/a"}, (), ""),
        (CLAIM, {}, (owned("Deployment", "shop", replicas=0, claims=(CLAIM,)),), "Deployment/shop"),
        (CLAIM, {}, (owned("ReplicaSet", "shop-1", "Deployment/shop", claims=(CLAIM,)),
                     owned("Deployment", "shop", claims=(CLAIM,))), "Deployment/shop"),
        (CLAIM, {}, (owned("CronJob", "nightly", claims=(CLAIM,)),), "CronJob/nightly"),
        (CLAIM, {}, (owned("Deployment", "other", claims=("else",)),), ""),
    ],
)  # fmt: skip
def test_without_a_pod_it_is_whose_the_claim_is_or_who_would_mount_it(name, changes, workloads, found):
    of = {"claims": (claim(name, **changes),), "volumes": (volume(name),), "disks": (disk(name, on=None),)}
    (row,) = table(**of, workloads=workloads).disks
    assert (row.verdict, row.workload) == ("kept", found)
