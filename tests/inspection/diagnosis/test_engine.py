"""One cause for each object: of the article's states, and of several objects and namespaces at once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aksdisks.inspection.diagnosis import diagnose
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
PENDING = claim(phase="Pending", volume="")
LEAVING = START + timedelta(seconds=9)
NOBODY_HAS_IT = {"disks": (disk(on=None),), "machines": (machine(0), machine(1))}
QUOTA = 'rpc error: PUT https://x\n---\nRESPONSE 409\n{\n  "error": {"code": "X",\n "message": "exceeding quota"}\n}'
SLOW = event(B, "FailedScheduling", "running PreBind plugin: binding volumes: context deadline exceeded", at=2)
NO_IMAGE = 'Failed to pull image "busybox:404": rpc error: code = NotFound desc = not found'
TIMED_OUT = event(B, "FailedMount", "Unable to attach or mount volumes: timed out waiting for the condition", at=5)
POD, PVC, PV = "Pod walk/disk-deploy-1-b", f"PersistentVolumeClaim walk/{CLAIM}", f"PersistentVolume pvc-{CLAIM}"


def refused(message: str):
    return replace(event(PENDING, "ProvisioningFailed", message), type="Warning")


@pytest.mark.parametrize(
    ("parts", "about", "cause", "because"),
    [
        ({}, [PVC, POD], "shared-claim", "it is on aks-0, where disk-deploy-1-a runs"),
        ({"pods": (replace(A, deleting=LEAVING), B)}, [PVC, POD], "detach-pending", "disk-deploy-1-a is ending"),
        ({"nodes": (node(0, ready=False), node(1))}, [PVC, POD], "holder-lost", "which is NotReady"),
        ({"pods": (B,), "events": (multi_attach(B),)}, [PVC, POD], "detach-pending", "nobody uses it any more"),
        ({"pods": (B,), "events": (), "attachments": (attachment(to=1, attached=False),), **NOBODY_HAS_IT},
         [PVC, POD], "attach-slow", "is being attached to aks-1"),
        ({"pods": (B,), "events": (), "attachments": (attachment(to=1, attached=False, attach_error="boom"),),
          **NOBODY_HAS_IT}, [PVC, POD], "attach-slow", "boom"),
        ({"pods": (B,), "events": (), "attachments": (attachment(to=1),)}, [POD], "starting", "placed on aks-1"),
        ({"pods": (replace(B, status="CrashLoopBackOff"),), "events": (), "attachments": (attachment(to=1),)},
         [POD], "crash", "CrashLoopBackOff"),
        ({"pods": (replace(B, status="ImagePullBackOff"),), "events": (event(B, "Failed", NO_IMAGE),)},
         [POD], "image", NO_IMAGE),
        ({"pods": (replace(B, status="ErrImagePull"),), "events": ()}, [POD], "image", "cannot be pulled"),
        ({"pods": (NOWHERE,), "events": ()}, [POD], "starting", "no node yet"),
        ({"pods": (NOWHERE,), "events": (event(B, "FailedScheduling", "0/2 nodes are available"),)},
         [POD], "no-node", "0/2 nodes are available"),
        # That the scheduler's wait for the volume ran out is a consequence.
        ({"pods": (NOWHERE,), "events": (refused(QUOTA), SLOW), "claims": (PENDING,)},
         [PVC, POD], "disk-quota", "quota"),
        ({"pods": (), "events": (), "claims": (PENDING,)}, [PVC], "no-consumer", "no pod mounts"),
        ({"pods": (A,), "events": (), "claims": (claim(deleting=LEAVING),)},
         [PVC], "claim-protected", "disk-deploy-1-a still uses it"),
        ({"pods": (), "events": (), "claims": (), "volumes": (volume(phase="Released", reclaim_policy="Retain"),)},
         [PV], "volume-released", "keeps the volume"),
        ({"pods": (), "events": (), "attachments": (), "disks": (disk(on=None),)}, [PVC], "claim-kept", "no pod"),
        ({"pods": (A,), "events": ()}, [], "", ""),
    ],
)  # fmt: skip
def test_one_cause_for_each_object(parts, about, cause, because):
    found = diagnose(world(**parts))
    assert sorted(str(each.object) for each in found) == sorted(about)
    for each in found:
        assert each.cause == cause and because in each.because
        assert each.next and each.evidence and each.docs.startswith("https://")


def test_evidence_is_taken_from_both_sides():
    found = next(each for each in diagnose(world()) if each.object.kind == "Pod")
    assert [(row.source, row.object) for row in found.evidence] == [
        ("Kubernetes", "Pod walk/disk-deploy-1-b"),
        ("Kubernetes", "Pod walk/disk-deploy-1-a"),
        ("Kubernetes", f"VolumeAttachment csi-{CLAIM}-0"),
        ("Azure", f"disk pvc-{CLAIM}"),
    ]
    assert found.evidence[-1].says == "Attached, on vm_0"


def test_a_mount_that_timed_out_is_a_consequence_and_never_the_cause():
    assert {each.cause for each in diagnose(world(events=(multi_attach(B, A.name), TIMED_OUT)))} == {"shared-claim"}
    attaching = {"attachments": (attachment(to=1, attached=False),), **NOBODY_HAS_IT}
    alone = diagnose(world(pods=(B,), events=(TIMED_OUT,), **attaching))
    assert {each.cause for each in alone} == {"attach-slow"} and "timed out waiting" not in str(alone)


def test_a_refusal_that_an_attach_followed_was_transient():
    later = event(B, "SuccessfulAttachVolume", f'AttachVolume.Attach succeeded for volume "pvc-{CLAIM}" ', at=3)
    moved = {
        "attachments": (attachment(to=1),),
        "machines": (machine(0), machine(1, disk(on=1))),
        "disks": (disk(on=1),),
    }
    assert {each.cause for each in diagnose(world(pods=(B,), events=(multi_attach(B), later), **moved))} == {"starting"}


def test_of_several_namespaces_each_finding_and_command_names_its_own():
    late = pod("disk-deploy-1-a", 0, ready=False, namespace="shop", uid="uid-shop")
    (found,) = diagnose(world(namespace=None, pods=(pod("disk-deploy-1-a", 0), late), events=()))
    assert (str(found.object), found.cause) == ("Pod shop/disk-deploy-1-a", "no-claim")
    assert found.next[0].command.endswith("--namespace shop")
    kept = diagnose(world(namespace=None, pods=(late,), events=()))
    assert ("claim-kept", PVC) in {(each.cause, str(each.object)) for each in kept}
