"""A sealed folder tells which file was touched, and a signature by whom it was sealed."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aksdisks.errors import InputError
from aksdisks.evidence.seal import SIGNATURE, SUMS, keygen, seal, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "scene").mkdir(parents=True)
    (folder / "run.json").write_text('{"status": "passed"}')
    (folder / "01-dynamic-disk.ipynb").write_bytes(bytes(range(256)))
    (folder / "scene" / "events of pod.json").write_text("[]")
    return folder


def test_an_untouched_folder_holds_for_us_and_for_sha256sum(folder: Path) -> None:
    seal(folder)
    found = verify(folder)
    assert (found.problems, found.files, found.signed) == ((), 3, False)
    assert "accidents only" in found.remark
    subprocess.run(["sha256sum", "--strict", "-c", SUMS], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize(
    ("touch", "problem"),
    [
        (lambda f: (f / "run.json").write_text("{}"), "run.json: altered"),
        (lambda f: (f / "scene/events of pod.json").unlink(), "scene/events of pod.json: removed"),
        (lambda f: (f / "scene/extra").write_text(""), "scene/extra: added"),
        (lambda f: (f / "link").symlink_to("run.json"), "link: added"),
    ],
    ids=["altered", "removed", "added", "linked"],
)
def test_each_touch_is_named(folder: Path, touch: Callable[[Path], object], problem: str) -> None:
    seal(folder)
    touch(folder)
    assert verify(folder).problems == (problem,)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_one_flipped_bit_anywhere_is_named(folder: Path, tmp_path: Path, signed: bool) -> None:
    public = keygen(tmp_path / "key") if signed else None
    seal(folder, tmp_path / "key" if signed else None)
    chance = random.Random(7)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for _ in range(30):
            flipped = bytearray(whole)
            flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            path.write_bytes(flipped)
            problems = verify(folder, public).problems
            assert [p.partition(":")[0] for p in problems] == [path.relative_to(folder).as_posix()], bytes(flipped)
        path.write_bytes(whole)
    assert verify(folder, public).intact


def test_a_signature_is_the_signer_s_alone(folder: Path, tmp_path: Path) -> None:
    ours, others = keygen(tmp_path / "ours"), keygen(tmp_path / "others")
    assert (tmp_path / "ours").stat().st_mode & 0o777 == 0o600
    seal(folder, tmp_path / "ours")
    assert verify(folder, ours).signed
    assert verify(folder, others).problems == (f"{SIGNATURE}: not the signature of {SUMS} by {others}",)

    (folder / "run.json").write_text('{"status": "failed"}')
    seal(folder)
    assert not verify(folder, ours).intact, "who has no key cannot seal again"


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (lambda f: verify(f), "expected an evidence folder with SHA256SUMS, found none"),
        (lambda f: seal(f, f / "run.json"), "expected an Ed25519 private key (PEM)"),
        (lambda f: keygen(f / "run.json"), "a key is never overwritten"),
        (lambda f: keygen(f / "absent" / "key"), "expected a file that can be made, found: No such file"),
    ],
    ids=["no seal", "no key", "overwriting", "no folder"],
)
def test_what_cannot_be_done_is_said(folder: Path, act: Callable[[Path], object], said: str) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError) as refusal:
        act(folder)
    assert said in str(refusal.value)
    assert sorted(folder.rglob("*")) == before
