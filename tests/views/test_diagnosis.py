"""Findings as cards: one for each cause, problems first, with all that a finding says; names of others are escaped."""

from dataclasses import replace

from aksdisks.inspection.diagnosis import Evidence, Finding, ObjectRef, RuledOut, Step
from aksdisks.inspection.diagnosis.catalogue import catalogue
from aksdisks.views.diagnosis import causes
from tests.views.page import Page

FOUND = Finding(
    cause="holder-lost",
    verdict="problem",
    confidence="likely",
    object=ObjectRef("Pod", "shop", "db-<1>"),
    because="Pod shop/db-0 still holds it",
    evidence=(
        Evidence("Kubernetes", "Pod shop/db-0", "Terminating\non aks-0"),
        Evidence("Azure", "machine vm_0", "is there"),
    ),
    next=(Step("az vm show", "whether it has stopped"), Step("kubectl taint", "its pods go", "data")),
    ruled_out=(RuledOut("shared-claim", "Pod shop/db-0 is ending"),),
    also=("attach-slow",),
)
EXPECTED = replace(FOUND, cause="claim-kept", verdict="expected", confidence="certain", also=(), ruled_out=())


def test_a_card_says_all_that_a_finding_says_and_leaves_out_the_one_namespace():
    (card,) = causes([FOUND, replace(FOUND, object=ObjectRef("Pod", "shop", "db-2"))], "shop").parts
    assert card.text().splitlines() == [
        f"A problem, likely: holder-lost ({catalogue()['holder-lost'].title})",
        "  Pod db-<1>, Pod db-2: Pod db-0 still holds it",
        "  Kubernetes says: Pod db-0: Terminating on aks-0",
        "  Azure says: machine vm_0: is there",
        "  not shared-claim: Pod db-0 is ending",
        "  also: attach-slow",
        "  next: az vm show",
        "    shows whether it has stopped",
        "  next: kubectl taint",
        "    risks data: its pods go",
        "  more: aksdisks explain holder-lost",
    ]
    assert "db-<1>" not in card.html() and "Pod db-<1>, Pod db-2:" in Page(card.html()).read
    assert "Pod shop/db-0" in causes([FOUND]).text()


def test_there_is_a_card_for_each_cause_in_the_order_of_the_findings():
    others = [replace(EXPECTED, object=ObjectRef("Pod", "shop", f"p{n}"), because=f"kept, {n}") for n in range(8)]
    first, second = causes([FOUND, *others], "shop").parts
    assert [first.cause, second.cause] == ["holder-lost", "claim-kept"]
    reasons = [line for line in second.text().splitlines() if ": kept, " in line]
    assert len(reasons) == 6 and "  and 2 more: of which the same is to be said" in second.text()
    assert causes([]).text() == "Nothing to explain"
