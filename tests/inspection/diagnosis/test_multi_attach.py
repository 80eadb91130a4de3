"""Multi-Attach events: whom they name, and which of them still stand."""

from dataclasses import replace

from aksdisks.inspection.diagnosis.multi_attach import multi_attach_events, named_pods
from tests.world import CLAIM, event, multi_attach, pod, world

A, B = pod("disk-deploy-1-a", 0), pod("disk-deploy-1-b", 1, ready=False)


def test_pods_are_read_out_of_the_event():
    assert named_pods(multi_attach(B, "a", "b")) == ("a", "b")
    assert named_pods(multi_attach(B)) == ()


def test_a_refusal_that_an_attach_followed_was_transient():
    later = event(B, "SuccessfulAttachVolume", f'AttachVolume.Attach succeeded for volume "pvc-{CLAIM}" ', at=3)
    assert multi_attach_events(world(events=(multi_attach(B, A.name),))) != ()
    assert multi_attach_events(world(events=(multi_attach(B, A.name), later))) == ()


def test_the_events_of_an_earlier_pod_of_the_name_do_not_count():
    old = replace(B, uid="uid-earlier")
    assert multi_attach_events(world(events=(multi_attach(old, A.name),))) == ()
