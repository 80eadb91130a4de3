"""Rules on rows: what the article shows, and the traps that needs.md names."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aksdisks.inspection.old_diagnosis import diagnose, multi_attach_events, named_pods
from tests.world import (
    CLAIM,
    START,
    attachment,
    claim,
    disk,
    event,
    machine,
    multi_attach,
    node,
    pod,
    volume,
    world,
)

A, B = pod("disk-deploy-1-a", 0), pod("disk-deploy-1-b", 1, ready=False)
NOWHERE = replace(B, node="")
LOST = claim(phase="Pending", volume="")
QUOTA = 'rpc error: PUT https://x\n---\nRESPONSE 409\n{\n  "error": {"code": "X",\n "message": "exceeding quota"}\n}'
SLOW = event(B, "FailedScheduling", "binding volumes: context deadline exceeded", at=2)
LEAVING = START + timedelta(seconds=9)
NO_IMAGE = 'Failed to pull image "busybox:404": rpc error: code = NotFound desc = not found'
TIMED_OUT = "Unable to attach or mount volumes: timed out waiting for the condition"


@pytest.mark.parametrize(
    ("parts", "about", "rule", "cause"),
    [
        pytest.param(
            {}, "pod disk-deploy-1-b", "shared-claim", "it is on aks-0, where disk-deploy-1-a runs", id="by design",
        ),
        pytest.param(
            {"pods": (replace(A, deleting=LEAVING), B)}, "pod disk-deploy-1-b", "holder-lost", "Terminating on aks-0",
            id="holder on its way out",
        ),
        pytest.param(
            {"nodes": (node(0, ready=False), node(1))}, "pod disk-deploy-1-b", "holder-lost", "which is NotReady",
            id="holder's node lost",
        ),
        pytest.param(
            {"pods": (B,), "events": (multi_attach(B),)},
            "pod disk-deploy-1-b", "detach-pending", "detach is under way",
            id="holder gone, disk not yet detached",
        ),
        pytest.param(
            {"pods": (B,), "events": (), "attachments": (attachment(to=1, attached=False),)},
            "pod disk-deploy-1-b", "still-starting", "not yet attached to aks-1", id="attaching",
        ),
        pytest.param(
            {"pods": (B,), "events": (), "attachments": (attachment(to=1, attached=False, attach_error="boom"),)},
            "pod disk-deploy-1-b", "attach-error", "boom", id="attach error",
        ),
        pytest.param(
            {"pods": (B,), "events": (), "attachments": (attachment(to=1),)},
            "pod disk-deploy-1-b", "still-starting", "being mounted", id="attached, starting",
        ),
        pytest.param(
            {"pods": (B,), "events": (), "claims": (claim(phase="Pending", volume=""),), "attachments": ()},
            "pod disk-deploy-1-b", "still-starting", "its disk is being made", id="provisioning",
        ),
        pytest.param(
            {"pods": (replace(B, status="CrashLoopBackOff"),), "events": (), "attachments": (attachment(to=1),)},
            "pod disk-deploy-1-b", "still-starting", "the container says CrashLoopBackOff", id="not the disk's fault",
        ),
        pytest.param(
            {"pods": (replace(B, status="ImagePullBackOff"),), "events": (event(B, "Failed", NO_IMAGE),)},
            "pod disk-deploy-1-b", "no-image", NO_IMAGE, id="no image",
        ),
        pytest.param(
            {"pods": (replace(B, status="ErrImagePull"),), "events": ()},
            "pod disk-deploy-1-b", "no-image", "its image cannot be pulled", id="no image, no event yet",
        ),
        pytest.param(
            {"pods": (replace(B, node=""),), "events": ()},
            "pod disk-deploy-1-b", "no-node-yet", "has not placed it yet", id="not yet scheduled",
        ),
        pytest.param(
            {"pods": (replace(B, node=""),), "events": (event(B, "FailedScheduling", "0/2 nodes are available"),)},
            "pod disk-deploy-1-b", "no-node", "0/2 nodes are available", id="nowhere to go",
        ),
        pytest.param(
            {"pods": (NOWHERE,), "events": (event(LOST, "ProvisioningFailed", QUOTA), SLOW), "claims": (LOST,)},
            "pod disk-deploy-1-b", "no-disk", "claim azure-managed-disk gets no disk: exceeding quota", id="no quota",
        ),
        pytest.param(
            {"pods": (NOWHERE,), "events": (event(LOST, "ProvisioningFailed", "rpc: no"),), "claims": (LOST,)},
            "pod disk-deploy-1-b", "no-disk", "gets no disk: ProvisioningFailed: rpc: no", id="no words of Azure's",
        ),
        pytest.param(
            {"pods": (), "events": (), "claims": (claim(phase="Pending", volume=""),)},
            "claim azure-managed-disk", "no-consumer", "waits for the first one", id="first consumer",
        ),
        pytest.param(
            {"pods": (A,), "events": (), "claims": (claim(deleting=LEAVING),)},
            "claim azure-managed-disk", "claim-protected", "used by disk-deploy-1-a", id="protected",
        ),
        pytest.param(
            {"pods": (), "events": (), "claims": (), "volumes": (volume(phase="Released", reclaim_policy="Retain"),)},
            "volume pvc-azure-managed-disk", "volume-released", "kept on purpose", id="retained",
        ),
        pytest.param(
            {"pods": (), "events": (), "attachments": (), "disks": (disk(on=None),)},
            "claim azure-managed-disk", "claim-kept", "outlives its pod", id="kept claim",
        ),
    ],
)  # fmt: skip
def test_one_cause_for_each_case(parts, about, rule, cause):
    (found,) = diagnose(world(**parts))
    assert (found.object, found.rule) == (about, rule)
    assert cause in found.cause
    assert found.next and found.evidence


def test_evidence_is_taken_from_both_sides():
    (found,) = diagnose(world())
    assert [(row.source, row.object) for row in found.evidence] == [
        ("Kubernetes", "pod disk-deploy-1-b"),
        ("Kubernetes", "pod disk-deploy-1-a"),
        ("Kubernetes", "volume pvc-azure-managed-disk"),
        ("Azure", "disk pvc-azure-managed-disk"),
    ]
    assert found.evidence[-1].says == "Attached, on vm_0"


def test_a_mount_that_timed_out_is_a_consequence_and_never_the_cause():
    waited = event(B, "FailedMount", TIMED_OUT, at=5)
    (found,) = diagnose(world(events=(multi_attach(B, A.name), waited)))
    assert found.rule == "shared-claim"
    (alone,) = diagnose(world(pods=(B,), events=(waited,), attachments=(attachment(to=1, attached=False),)))
    assert alone.rule == "still-starting" and TIMED_OUT not in str(alone)


def test_a_refusal_that_an_attach_followed_was_transient():
    later = event(
        B, "SuccessfulAttachVolume", 'AttachVolume.Attach succeeded for volume "pvc-azure-managed-disk" ', at=3
    )
    moved = {"attachments": (attachment(to=1),), "machines": (machine(0), machine(1, disk(on=1)))}
    (found,) = diagnose(world(pods=(B,), events=(multi_attach(B), later), **moved))
    assert found.rule == "still-starting"
    assert multi_attach_events(world(events=(multi_attach(B, A.name), later))) == ()


def test_the_events_of_an_earlier_pod_of_the_name_do_not_count():
    old = replace(B, uid="uid-earlier")
    assert multi_attach_events(world(events=(multi_attach(old, A.name),))) == ()


def test_pods_are_read_out_of_the_event():
    assert named_pods(multi_attach(B, "a", "b")) == ("a", "b")
    assert named_pods(multi_attach(B)) == ()


def test_of_several_namespaces_each_finding_and_command_names_its_own():
    late = pod("disk-deploy-1-a", 0, ready=False, namespace="shop", uid="uid-shop")
    used = world(namespace=None, pods=(pod("disk-deploy-1-a", 0), late), events=())
    found = {each.object: each.next for each in diagnose(used)}
    assert found == {"pod shop/disk-deploy-1-a": "kubectl get pod disk-deploy-1-a --watch --namespace shop"}
    kept = diagnose(world(namespace=None, pods=(late,), events=()))
    assert ("claim-kept", f"claim walk/{CLAIM}") in {(each.rule, each.object) for each in kept}


def test_a_healthy_cluster_has_nothing_to_explain():
    assert diagnose(world(pods=(A,), events=())) == ()
