"""Each verdict on a disk with its reason, near misses, and what is no orphan where something is not known."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from aksdisks.inspection.ownership.table import ownership
from aksdisks.model import Unknown, Workload
from tests.inspection.ownership.rows import DAY, ID, SCOPE, VOLUME, FlatRate, facts, left, stateful_set, table, verdicts
from tests.world import CLAIM, GROUP, SPACE, START, attachment, claim, disk, machine, pod, volume

KEY = f"{SPACE}/{CLAIM}"
BOUND = {"claims": (claim(),), "volumes": (volume(),)}
MADE = f"it was made for claim {KEY}, no volume names it, and nothing has used it since 2026-11-21 04:25 UTC"
ELSEWHERE = ID.replace("MC_disks_article_westeurope", "data")
OTHER_TAG = "aks-managed-cluster-name"
UNCLAIMED = {"claim_name": "", "claim_namespace": "", "claim_uid": ""}
OF_NONE = Workload(kind="Deployment", name="shop", namespace=SPACE, replicas=0, claims=(CLAIM,))


def tags(**more):
    return {"tags": {**left().tags, **more}}


ROWS = [
    pytest.param(
        {**BOUND, "pods": (pod("a", 0),), "disks": (disk(),)},
        "in-use", f"pod walk/a mounts claim {KEY}", id="a pod mounts its claim",
    ),
    pytest.param(
        {"claims": (claim(deleting=True),), "volumes": (volume(),), "pods": (pod("a", 0),), "disks": (disk(),)},
        "in-use", f"pod walk/a mounts claim {KEY}; the claim is being deleted, which waits for the pod's end",
        id="its claim was deleted while a pod mounts it",
    ),
    pytest.param(
        {**BOUND, "volumes": (volume(), *(volume(name=name, **UNCLAIMED) for name in ("b", "c", "d"))),
         "disks": (left(),)},
        "kept", f"claim {KEY} is there, and no pod mounts it; also of this disk: volume b, c and 1 more",
        id="several volumes stand for one disk",
    ),
    pytest.param(
        {"volumes": (volume(phase="Released", reclaim_policy="Retain"),
                     volume(name="z", phase="Available", **UNCLAIMED)), "disks": (left(),)},
        "kept", f"volume z names it, and no claim has taken that yet; also of this disk: volume {VOLUME}",
        id="a Released volume beside one that is free",
    ),
    pytest.param(
        {**BOUND, "disks": (left(),), "workloads": (replace(OF_NONE, replicas=1),)},
        "kept", f"claim {KEY} is there, and no pod mounts it: Deployment shop has 1 replica", id="a Deployment of 1",
    ),
    pytest.param(
        {**BOUND, "pods": tuple(pod(name, 0) for name in "abc"), "disks": (disk(),)},
        "in-use", f"pod walk/a, walk/b and 1 more mounts claim {KEY}", id="more pods than one likes to read",
    ),
    pytest.param(
        {**BOUND, "pods": (pod("a", 0, ready=False, node=""),), "disks": (left(),)},
        "in-use", f"pod walk/a mounts claim {KEY}", id="a pod waits for it",
    ),
    pytest.param(
        {**BOUND, "pods": (pod("a", 0, phase="Succeeded"),), "disks": (left(),)},
        "kept", f"claim {KEY} is there, and no pod mounts it any more: pod walk/a has ended", id="its pod has ended",
    ),
    pytest.param(
        {**BOUND, "disks": (left(),)}, "kept", f"claim {KEY} is there, and no pod mounts it", id="a claim without a pod"
    ),
    pytest.param(
        {**BOUND, "disks": (disk(),), "machines": (machine(0, disk()),)},
        "kept", f"claim {KEY} is there, and no pod mounts it; it is still attached to aks-0", id="not detached yet",
    ),
    pytest.param(
        {**BOUND, "disks": (left(),), "workloads": (OF_NONE,)},
        "kept", f"claim {KEY} is there, and no pod mounts it: Deployment shop has 0 replicas", id="a Deployment of 0",
    ),
    pytest.param(
        {"claims": (claim(volume=""),), "volumes": (volume(claim_uid="uid-before", reclaim_policy="Retain"),),
         "disks": (left(),)},
        "released", f"claim {KEY} is gone, and volume {VOLUME} stays (policy Retain)", id="its claim was made anew",
    ),
    pytest.param(
        {"volumes": (volume(phase="Released", reclaim_policy="Retain"),), "disks": (left(),)},
        "released", f"claim {KEY} is gone, and volume {VOLUME} stays (policy Retain)", id="retained",
    ),
    pytest.param(
        {"volumes": (volume(phase="Released"),), "disks": (left(),)},
        "released", f"claim {KEY} is gone, and volume {VOLUME} is to be deleted with it (policy Delete)", id="going",
    ),
    pytest.param(
        {"volumes": (volume(phase="Released", by_hand=True),), "disks": (left(),)},
        "released",
        f"claim {KEY} is gone, and volume {VOLUME} stays: it was made by hand, and names no provisioner that would "
        "delete it", id="by hand, of nobody",
    ),
    pytest.param(
        {"volumes": (volume(phase="Released", by_hand=True, provisioner="disk.csi.azure.com"),), "disks": (left(),)},
        "released",
        f"claim {KEY} is gone, and volume {VOLUME}, made by hand, is to be deleted with it (policy Delete)",
        id="by hand, and going",
    ),
    pytest.param(
        {"volumes": (volume(phase="Failed", message="409 Conflict"),), "disks": (left(),)},
        "released", f"claim {KEY} is gone, and volume {VOLUME} could not be deleted: 409 Conflict", id="stuck in going",
    ),
    pytest.param(
        {"volumes": (volume(phase="Available", **UNCLAIMED),), "disks": (left(),)},
        "kept", f"volume {VOLUME} names it, and no claim has taken that yet", id="a volume that no claim has",
    ),
    pytest.param(
        {"volumes": (volume(phase="Available", claim_uid=""),), "disks": (left(),)},
        "kept", f"volume {VOLUME} is reserved for claim {KEY}, which is not there yet", id="a volume reserved",
    ),
    pytest.param(
        {"claims": (claim(phase="Pending"),), "volumes": (volume(**UNCLAIMED),), "disks": (left(),)},
        "kept", f"claim {KEY} is there, and no pod mounts it", id="a claim names the volume, not yet the other way",
    ),
    pytest.param({"disks": (left(),)}, "orphan", MADE, id="nothing names it"),
    pytest.param({"disks": (left(days=1),)}, "orphan", MADE.replace("21", "22"), id="exactly as old as the grace"),
    pytest.param(
        {"disks": (left(days=0.99),)},
        "young", f"{MADE.replace('21 04:25', '22 04:39')}, less than 24 h ago", id="younger than the grace",
    ),
    pytest.param(
        {"disks": (left(created=START - timedelta(days=9), owner_changed=START - timedelta(hours=1)),)},
        "young", f"{MADE.replace('21 04:25', '23 03:25')}, less than 24 h ago", id="old, but detached just now",
    ),
    pytest.param(
        {"disks": (left(name="kubernetes-dynamic-pvc-1", id=f"{GROUP}/disks/kubernetes-dynamic-pvc-1",
                        tags={**left().tags, "created-by": "kubernetes-azure-dd"}),)},
        "orphan", MADE, id="a disk of 2019",
    ),
    pytest.param(
        {"disks": (left(tags={"kubernetes.io-created-for-pv-name": VOLUME}),)},
        "orphan", MADE.replace(f"claim {KEY}", f"volume {VOLUME}"), id="tags name a volume alone",
    ),
    pytest.param(
        {"disks": (left(created=None, owner_changed=None),)},
        "unknown", f"no volume names it; it was made for claim {KEY}, and Azure does not say when", id="of no age",
    ),
    pytest.param(
        {"disks": (left(tags={"team": "shop"}),)}, "foreign", "no tag says that it was made for a claim", id="a hand's"
    ),
    pytest.param(
        {"disks": (left(tags={"k8s-azure-created-by": "kubernetes-azure-dd"}),)},
        "unknown", "the disk driver made it, and no tag says for which claim", id="the driver's, for an unnamed claim",
    ),
    pytest.param(
        {"disks": (disk(tags={}),), "machines": (machine(0, disk()),)},
        "foreign", "no tag says that it was made for a claim; it is attached to aks-0", id="a person's, attached",
    ),
    pytest.param(
        {"disks": (disk(os_type="Linux"),), "machines": (machine(0),)},
        "foreign", "aks-0 starts from it: it has the operating system", id="a machine's own",
    ),
    pytest.param(
        {"disks": (disk(),), "machines": (machine(0, disk()),)},
        "unknown", f"it is attached to aks-0, though no volume names it; it was made for claim {KEY}",
        id="attached behind Kubernetes' back",
    ),
    pytest.param(
        {"disks": (left(),), "machines": (machine(1, disk()),)},
        "unknown", f"it is attached to aks-1, though no volume names it; it was made for claim {KEY}",
        id="on a machine, though it says Unattached",
    ),
    pytest.param(
        {"disks": (disk(),), "machines": Unknown("azure is slow")},
        "unknown", f"it is attached to vm_0, though no volume names it; it was made for claim {KEY}",
        id="attached to a machine that could not be read",
    ),
    pytest.param(
        {"disks": (left(state="ActiveSAS"),)}, "unknown", "no volume names it, and Azure has it in state ActiveSAS",
        id="somebody downloads it",
    ),
    pytest.param(
        {"disks": (left(),), "claims": (claim(phase="Pending", volume=""),)},
        "kept", f"claim {KEY} is Pending: its disk is being made", id="its claim waits for it",
    ),
    pytest.param(
        {"disks": (left("uid-1", tags={"kubernetes.io-created-for-pvc-name": "gone"}),),
         "claims": (claim("restored", uid="uid-1", phase="Pending", volume="", source_kind="VolumeSnapshot",
                          source_name="monday"),)},
        "kept", f"claim {SPACE}/restored is Pending: its disk is being made from VolumeSnapshot monday",
        id="a claim is restored into it: found by its uid",
    ),
    pytest.param(
        {"disks": (left(),), "claims": (claim(uid="uid-2", volume="pvc-uid-2"),),
         "volumes": (volume(name="pvc-uid-2", disk_id=""),)},
        "orphan", MADE, id="a claim of the same name has another volume",
    ),
    pytest.param(
        {"disks": (left("uid-1"),), "claims": (claim(uid="uid-1", volume="by-hand"),)},
        "unknown", f"it was made for claim {KEY}, which has volume by-hand instead", id="its very claim has another",
    ),
    pytest.param(
        {"disks": (left(),), "claims": (claim(phase="Lost"),)},
        "kept", f"claim {KEY} is Lost: it names volume {VOLUME}, which is gone, and this is its disk", id="lost",
    ),
    pytest.param(
        {"disks": (left(),), "claims": (claim(),)},
        "kept", f"claim {KEY} is Bound: it names volume {VOLUME}, which is gone, and this is its disk",
        id="a claim whose volume went a moment ago",
    ),
    pytest.param(
        {"disks": (left(provisioning_state="Updating"),)},
        "unknown", "no volume names it, and Azure is changing it (provisioningState Updating)", id="being changed",
    ),
    pytest.param(
        {"disks": (left(),), "machines": Unknown("Azure answers 403")},
        "unknown", "no volume names it; whether a machine has it is unknown, because Azure answers 403",
        id="machines cannot be read",
    ),
    pytest.param(
        {"disks": (left(tags={}),), "machines": Unknown("Azure answers 403")},
        "foreign", "no tag says that it was made for a claim", id="a hand's, whatever machines say",
    ),
    pytest.param(
        {"disks": (left(),), "volumes": (volume(disk_id=ELSEWHERE),), "elsewhere": {}},
        "unknown", f"volume {VOLUME}, which it was made for, is there and names another disk: {ELSEWHERE}",
        id="its volume has another disk of the same name",
    ),
    pytest.param(
        {"disks": (left(**tags(**{OTHER_TAG: "other"})),)},
        "unknown", f"its tag {OTHER_TAG} names another cluster, other", id="another cluster's",
    ),
    pytest.param({"disks": (left(**tags(**{OTHER_TAG: "Article"})),)}, "orphan", MADE, id="our own, in another case"),
    pytest.param(
        {"disks": (left(**tags(**{OTHER_TAG: "article"})),), "cluster": Unknown("403")}, "orphan", MADE,
        id="our own by the group's name",
    ),
    pytest.param(
        {"disks": (left(**tags(**{OTHER_TAG: "cle"})),), "cluster": Unknown("403")},
        "unknown", f"its tag {OTHER_TAG} names cluster cle; whether that is this one is unknown, because 403",
        id="a part of the group's name is no name",
    ),
    pytest.param(
        {"disks": (left(**tags(**{OTHER_TAG: "cle"})),), "cluster": ""},
        "unknown", f"its tag {OTHER_TAG} names another cluster, cle", id="by the group's name it is another's",
    ),
    pytest.param(
        {"disks": (left(**tags(**{OTHER_TAG: "article"}), id=ID.replace("MC_disks_article_westeurope", "nodes")),),
         "cluster": "", "scope": "/subscriptions/s/resourceGroups/nodes"},
        "unknown", f"its tag {OTHER_TAG} names cluster article; what this one is called, Azure does not say",
        id="nothing tells our own name",
    ),
    pytest.param(
        {"disks": (left(**tags(**{"k8s-azure-cluster-name": "kubernetes"})),)}, "orphan", MADE, id="a name that is none"
    ),
    pytest.param(
        {"disks": (left(**tags(**{"kubernetes-cluster-name": "old"})),)},
        "unknown", "its tag kubernetes-cluster-name names another cluster, old", id="another cluster's, by 2019's tag",
    ),
    pytest.param(
        {**BOUND, "disks": (left(**tags(**{OTHER_TAG: "other"})),)},
        "kept", f"claim {KEY} is there, and no pod mounts it", id="another cluster's tag, but our volume",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parts", "verdict", "because"), ROWS)
def test_each_verdict_says_why(parts, verdict, because):
    (disk_, *_others) = parts["disks"]
    assert (disk_.name, verdict, because) in verdicts(**parts)


NOTHING_ELSE = [
    ({"unread": ("PersistentVolume",)}, "PersistentVolumes cannot be read: persistentvolume is forbidden"),
    (
        {"unread": ("PersistentVolumeClaim",)},
        f"no volume names it; whether claim {KEY} waits for it is not known: PersistentVolumeClaims cannot be read: "
        "persistentvolumeclaim is forbidden",
    ),
    (
        {"unread": ("PersistentVolumeClaim",), "volumes": (volume(),)},
        f"volume {VOLUME} names it; PersistentVolumeClaims cannot be read: persistentvolumeclaim is forbidden",
    ),
    (
        {**BOUND, "unread": ("Pod",)},
        f"claim {KEY} is there; Pods cannot be read: pod is forbidden",
    ),
]


@pytest.mark.parametrize(("parts", "because"), NOTHING_ELSE)
def test_what_cannot_be_read_is_unknown_and_no_orphan(parts, because):
    assert verdicts(disks=(left(),), **parts) == [(VOLUME, "unknown", because)]


@pytest.mark.parametrize(
    ("name", "cluster", "of_another"),
    [("other", "article", True), ("article", "article", False), ("cle", Unknown("403"), False), ("cle", "", True)],
)
def test_a_disk_is_of_another_cluster_where_it_is_known_what_this_one_is_called(name, cluster, of_another):
    (row,) = table(disks=(left(**tags(**{OTHER_TAG: name})),), cluster=cluster).disks
    assert row.of_another == of_another


@pytest.mark.parametrize("kind", ["StatefulSet", "VolumeAttachment", "ReplicaSet", "Job"])
def test_what_no_verdict_needs_changes_none(kind):
    assert verdicts(disks=(left(),), unread=(kind,)) == [(VOLUME, "orphan", MADE)]


def test_azure_that_cannot_be_read_leaves_the_rows_of_volumes():
    off = Unknown("azure is off")
    found = {"disks": off, "machines": off}
    assert table(**found).disks == off
    unknown = f"azure is off; volume {VOLUME}, of claim {KEY} names it"
    assert verdicts(**found, **BOUND) == [(VOLUME, "unknown", unknown)]
    (row,) = table(**found, **BOUND, pods=(pod("a", 0),)).disks
    assert (row.verdict, row.disk, row.machine, row.lun, row.price) == ("in-use", off, off, off, off)


@pytest.mark.parametrize(("name", "replicas"), [("www-web-0", 0), ("www-web-2", 2), ("www-web-13", 4)])
def test_a_set_that_was_scaled_down_keeps_its_disks(name, replicas):
    found = verdicts(
        claims=(claim(name),),
        volumes=(volume(name),),
        disks=(left(name),),
        workloads=(stateful_set(replicas=replicas),),
    )
    because = f"StatefulSet web has {replicas} replicas, and takes it again when it grows"
    assert found == [(f"pvc-{name}", "kept", f"claim {SPACE}/{name} is there, and no pod mounts it: {because}")]


def test_a_set_whose_pod_is_missing_for_a_moment_keeps_its_disk():
    of = {"claims": (claim("www-web-1"),), "volumes": (volume("www-web-1"),), "disks": (left("www-web-1"),)}
    ((_, verdict, because),) = verdicts(**of, workloads=(stateful_set(replicas=2),))
    assert (verdict, because) == (
        "kept", f"claim {SPACE}/www-web-1 is there, and no pod mounts it now, of the 2 of StatefulSet web",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["www-web", "www-web-0x", "other-web-0", "www-web-blue-0"])
def test_a_claim_that_is_named_otherwise_is_no_set_s(name):
    ((_, verdict, because),) = verdicts(
        claims=(claim(name),), volumes=(volume(name),), disks=(left(name),), workloads=(stateful_set(),)
    )
    assert (verdict, because) == ("kept", f"claim {SPACE}/{name} is there, and no pod mounts it")


@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_the_case_of_ids_does_not_count(case):
    held = disk()
    upper = replace(held, id=case(held.id), managed_by=case(held.managed_by))
    (row,) = table(disks=(upper,), **BOUND, pods=(pod("a", 0),), machines=(machine(0, held),)).disks
    assert (row.verdict, row.machine.node, row.lun) == ("in-use", "aks-0", 0)
    elsewhere = verdicts(disks=(), **{**BOUND, "volumes": (volume(disk_id=case(SCOPE) + "/none"),)})
    assert elsewhere == [], "a volume names a disk of the group that Azure does not have: no row"


def test_two_disks_of_one_name_in_two_groups_are_two():
    other = left(id=ELSEWHERE, resource_group="data", tags={})
    found = {
        "disks": (left(),),
        "volumes": (
            volume(),
            volume(name="by-hand", disk_id=ELSEWHERE, **UNCLAIMED),
        ),
        "claims": (claim(),),
        "elsewhere": {ELSEWHERE.lower(): other},
    }
    assert [(row.id, row.verdict, row.volume.name) for row in table(**found).disks] == [
        (ID, "kept", VOLUME), (ELSEWHERE, "unknown", "by-hand")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("disk_", "pods", "verdict", "because"),
    [
        (left(id=ELSEWHERE), (), "unknown", "it is outside the node resource group: who else uses it cannot be told; "
         f"volume {VOLUME}, of claim {KEY} names it"),
        (left(id=ELSEWHERE), (pod("a", 0),), "in-use", f"pod walk/a mounts claim {KEY}"),
        (Unknown("Azure answers 403"), (), "unknown", "it is outside the node resource group, and Azure "
         f"answers 403; volume {VOLUME}, of claim {KEY} names it"),
    ],
)  # fmt: skip
def test_a_disk_of_another_group_has_a_row_where_a_volume_names_it(disk_, pods, verdict, because):
    named = {"volumes": (volume(disk_id=ELSEWHERE),), "claims": (claim(),), "pods": pods}
    assert verdicts(elsewhere={ELSEWHERE.lower(): disk_}, **named) == [(VOLUME, verdict, because)]
    twice = (*named["volumes"], volume(name="again", disk_id=ELSEWHERE, phase="Available", claim_name=""))
    assert len(verdicts(elsewhere={ELSEWHERE.lower(): disk_}, **named | {"volumes": twice})) == 1
    assert verdicts(elsewhere={ELSEWHERE.lower(): None}, **named) == []


def test_of_two_volumes_of_one_disk_the_one_in_use_counts():
    both = (volume(), volume("second", disk_id=ID))
    found = {"claims": (claim(), claim("second")), "volumes": both, "disks": (disk(),)}
    (row,) = table(**found, pods=(pod("a", 0, claim="second"),)).disks
    assert (row.verdict, row.volume.name, row.claim.name) == ("in-use", "pvc-second", "second")


def test_grace_is_cluster_time():
    of_the_lab = {"disks": (left(days=0, created=START - timedelta(seconds=900), owner_changed=None),)}
    (row,) = table(**of_the_lab).disks
    assert row.verdict == "young"
    (row,) = table(**of_the_lab, time_scale=100.0).disks
    assert row.verdict == "orphan"
    (row,) = table(**of_the_lab, grace=0.0).disks
    assert row.verdict == "orphan"


def test_rows_stand_in_the_order_of_their_verdicts_with_prices():
    found = table(
        claims=(claim(), claim("b")), volumes=(volume(), volume("b")), pods=(pod("a", 0),), grace=DAY,
        disks=(disk(), left("b"), left("c"), left("d", days=0.1), left("e", tags={})),
    )  # fmt: skip
    assert [(row.name, row.verdict) for row in found.disks] == [
        ("pvc-c", "orphan"), ("pvc-d", "young"), ("pvc-b", "kept"), ("pvc-e", "foreign"), (VOLUME, "in-use"),
    ]  # fmt: skip
    assert found.disks[0].price == FlatRate().disk(left())
    assert (found.taken, found.resource_group, found.grace) == (START, "mc_disks_article_westeurope", DAY)


def test_a_namespace_s_table_has_what_belongs_to_it():
    elsewhere = {"claim_namespace": "shop", "disk_id": f"{GROUP}/disks/shop"}
    found = {
        "namespace": SPACE,
        "claims": (claim(),),
        "volumes": (volume(), volume("shop", **elsewhere), volume("taken", claim_namespace="shop")),
        "disks": (
            left(),
            left("b"),
            left("taken"),
            replace(left("shop"), id=f"{GROUP}/disks/shop"),
            left("e", tags={}),
        ),
    }
    assert [(row.name, row.verdict) for row in table(**found).disks] == [("pvc-b", "orphan"), (VOLUME, "kept")]


def test_thousands_of_disks_are_joined_by_keys():
    """Two thousand, fifty to a machine, take tenths of a second; a search for each would take many times that."""
    names = {f"data-{number}": number // 50 for number in range(2000)}
    held = [[disk(name, on=on) for name, on in names.items() if on == machine_] for machine_ in range(40)]
    found = facts(
        claims=tuple(map(claim, names)), volumes=tuple(map(volume, names)),
        disks=tuple(each for on in held for each in on),
        pods=tuple(pod(f"p-{name}", on, claim=name) for name, on in names.items()),
        attachments=tuple(attachment(name, on) for name, on in names.items()),
        machines=tuple(machine(number, *on) for number, on in enumerate(held)),
    )  # fmt: skip
    began = time.process_time()
    rows = ownership(found, FlatRate()).disks
    assert {row.verdict for row in rows} == {"in-use"} and len(rows) == len(names)
    assert time.process_time() - began < 2.0
