"""Kinds that a cluster may lack: what is not served, or may not be read, is told from none of them."""

import pytest

from aksdisks.errors import ApiError, NotAllowed, NotFound, NotReachable
from aksdisks.kube.client import Cluster
from aksdisks.model import NotPermitted, NotServed, Unknown, VolumeSnapshot

pytestmark = pytest.mark.quick

LISTS = {
    "volume_snapshots": "/apis/snapshot.storage.k8s.io/v1/namespaces/shop/volumesnapshots",
    "volume_snapshot_contents": "/apis/snapshot.storage.k8s.io/v1/volumesnapshotcontents",
    "volume_snapshot_classes": "/apis/snapshot.storage.k8s.io/v1/volumesnapshotclasses",
    "volume_attributes_classes": "/apis/storage.k8s.io/v1/volumeattributesclasses",
}


class Api(Cluster):
    """An API server that gives one answer to everything, and notes what it is asked."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def request(self, _method, url, _query=None, *_rest):
        self.asked.append(url)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(api, name):
    return getattr(api, name)(*(["shop"] if name == "volume_snapshots" else []))


@pytest.mark.parametrize(("name", "place"), LISTS.items())
def test_each_is_asked_for_at_its_place_and_said_not_to_be_served_where_it_is_not(name, place):
    api = Api({"items": []})
    assert read(api, name) == () and api.asked == [place]
    group, _, plural = place.removeprefix("/apis/").replace("namespaces/shop/", "").rpartition("/")
    absent = read(Api(NotFound("GET: 404 page not found", status=404)), name)
    assert absent == NotServed(f"this cluster does not serve {plural} of {group}")


def test_the_values_are_typed():
    items = [{"metadata": {"name": "first", "namespace": "shop"}, "status": {"readyToUse": True}}]
    assert Api({"items": items}).volume_snapshots("") == (VolumeSnapshot(name="first", namespace="shop", ready=True),)


def test_what_may_not_be_read_and_what_fails_say_why():
    assert Api(NotAllowed("GET: 403")).volume_snapshot_contents() == NotPermitted("GET: 403")
    assert Api(ApiError("GET: 500", status=500)).volume_snapshot_contents() == Unknown("GET: 500")
    with pytest.raises(NotReachable):
        Api(NotReachable("nobody there")).volume_snapshot_contents()


@pytest.mark.parametrize(
    ("discovery", "served"),
    [
        (NotFound("GET: 404", status=404), False),
        ({"resources": [{"name": "volumesnapshots"}]}, False),
        ({"resources": [{"name": "volumesnapshotcontents"}]}, True),
        (ApiError("GET: 500", status=500), True),
    ],
)
def test_who_may_not_list_a_kind_is_told_by_discovery_whether_there_is_one(discovery, served):
    """An API server asks for the right first, also to a kind that it does not have."""

    class Forbidding(Api):
        def request(self, method, url, *rest):
            self.answer = discovery if url == "/apis/snapshot.storage.k8s.io/v1" else NotAllowed("GET: 403")
            return super().request(method, url, *rest)

    found = Forbidding(None).volume_snapshot_contents()
    assert found == (NotPermitted("GET: 403") if served else NotServed(found.because))
    assert ("does not serve" in found.because) is not served
