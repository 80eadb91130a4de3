"""The picture of README.md and the home page is that of the recorded runbook."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from docs.site import picture
from docs.site.picture import PICTURES

pytestmark = pytest.mark.quick

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("scheme", PICTURES)
def test_the_picture_is_that_of_the_recorded_runbook(scheme: str) -> None:
    drawn = picture.picture(scheme)
    assert PICTURES[scheme].read_text(encoding="utf-8") == drawn, "python -m tests.reference writes it anew"
    texts = [each.text for each in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert {"pod", "claim", "volume", "disk", "machine", "✔ passed", "managed-disk", "…vmss_0"} <= set(texts)
