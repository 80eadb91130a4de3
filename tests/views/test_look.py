"""A look judged: what is given, what has room."""

from aksdisks.model import Unknown
from aksdisks.views.look import Look
from tests.world import disk, machine, world


def look(**parts) -> Look:
    return Look(world(**parts), lambda _claim: True)


def test_the_class_says_what_is_given():
    assert look().given(binding_mode="WaitForFirstConsumer") is True
    assert look().given(binding_mode="Immediate") is None


def test_room_is_judged_by_what_azure_holds():
    full = machine(0, *(disk(str(n)) for n in range(8)))
    assert look().room() == (True, "free slots: 7, 8")
    assert look(machines=(full,), nodes=world().nodes[:1]).room() == (False, "free slots: 0")
    assert look(machines=Unknown("off")).room()[0] == Unknown("off")
