"""The catalogue as people read it: one file a cause, its page with the fixed headings, and ids that exist."""

from pathlib import Path

import pytest

from aksdisks.errors import InputError
from aksdisks.inspection.diagnosis import causes
from aksdisks.inspection.diagnosis.catalogue import catalogue, cause
from aksdisks.inspection.diagnosis.cause import HEADINGS, Cause
from aksdisks.inspection.diagnosis.words import WORDS


@pytest.mark.parametrize("one", [pytest.param(each, id=each.id) for each in catalogue().values()])
def test_a_page_has_the_fixed_headings_and_links(one: Cause) -> None:
    assert tuple(one.sections) == HEADINGS
    assert all(text.strip() for text in one.sections.values())
    assert one.title and one.docs.startswith("https://")


def test_a_cause_is_a_file_of_its_id() -> None:
    files = {path.stem for path in Path(causes.__path__[0]).glob("[a-z]*.py")}
    assert files == {id_.replace("-", "_") for id_ in catalogue()}


def test_words_have_sources() -> None:
    assert all(words.source for words in WORDS)


def test_a_cause_that_is_not_there() -> None:
    with pytest.raises(InputError, match="shared-claims"):
        cause("shared-claims")
