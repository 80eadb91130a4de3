"""What is read for a diagnosis: no more than it needs, and nothing twice."""

from types import SimpleNamespace

from aksdisks.inspection.diagnosis import diagnose
from aksdisks.inspection.diagnosis.reading import WORKLOADS, judge
from aksdisks.model import NotAsked
from tests.world import pod, world


def clients():
    """A cluster without workloads and an Azure that notes what it is asked."""
    asked: list[str] = []

    def items(kind, _namespace, make):
        asked.append(kind)
        return map(make, ()), ""

    def azure(_nodes):
        asked.append("azure")
        raise AssertionError("Azure is asked a second time")

    return SimpleNamespace(server="https://lab", items=items), azure, asked


def test_what_an_inventory_has_is_not_read_again_and_what_a_finding_needs_is():
    cluster, azure, asked = clients()
    inventory, found = judge(world(), cluster, azure)
    assert asked == list(WORKLOADS)
    assert (isinstance(world().workloads, NotAsked), inventory.workloads) == (True, ())
    assert found.findings == diagnose(inventory)


def test_where_nothing_is_found_nothing_more_is_read():
    cluster, azure, asked = clients()
    _, found = judge(world(pods=(pod("disk-deploy-1-a", 0),), events=()), cluster, azure)
    assert (found.findings, asked) == ((), [])
