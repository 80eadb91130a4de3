"""Seals an evidence folder by SHA-256 sums of its files and an Ed25519 signature of the sums, and verifies it later.

The sums stand in `SHA256SUMS`, in the form that `sha256sum -c` reads, and the sum of that file in `SHA256SUMS.sha256`,
so that damage to the sums is told from damage to what they seal; the signature, base64, in `SHA256SUMS.sig`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aksdisks.errors import InputError

SUMS, OWN_SUM, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sha256", "SHA256SUMS.sig"


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found: `problems` name each file that was altered, added or removed; `signed`: by the key given."""

    problems: tuple[str, ...]
    files: int
    signed: bool
    remark: str

    @property
    def intact(self) -> bool:
        """True where nothing was found to be other than it was sealed."""
        return not self.problems


def seal(folder: Path, key: Path | None = None) -> None:
    """Write the sums of every file below `folder`, and with a private key (PEM, Ed25519) their signature."""
    content = "".join(f"{_sum(path)}  {path.relative_to(folder).as_posix()}\n" for path in _files(folder)).encode()
    signature = None if key is None else base64.b64encode(check_private(key).sign(content)) + b"\n"
    (folder / SUMS).write_bytes(content)
    (folder / OWN_SUM).write_bytes(_own_sum(content))
    if signature is not None:
        (folder / SIGNATURE).write_bytes(signature)


def verify(folder: Path, key: Path | None = None) -> Verification:
    """Compare a folder with its seal, and the seal with a public key (PEM); InputError where there is no seal."""
    if not (folder / SUMS).is_file():
        raise InputError(object=f"{folder}", expected=f"an evidence folder with {SUMS}", found="none")
    content = (folder / SUMS).read_bytes()
    lines = (line.partition("  ") for line in content.decode("utf-8", "replace").splitlines())
    sealed = {name: digest for digest, _, name in lines}
    found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    problems = [f"{name}: altered" for name in sealed.keys() & found.keys() if _sum(found[name]) != sealed[name]]
    problems += [f"{name}: removed" for name in sealed.keys() - found.keys()]
    problems += [f"{name}: added" for name in found.keys() - sealed.keys()]
    signed, remark = _signed(folder, content, key)
    own = folder / OWN_SUM
    if not own.is_file() or own.read_bytes() != _own_sum(content):
        # What the sums say agrees with every file: then it is their own sum that was touched.
        problems = [f"{OWN_SUM if signed or not problems else SUMS}: altered"]
    elif key is not None and not signed:
        problems.append(remark)
    return Verification(tuple(sorted(problems)), len(found), signed, remark)


def keygen(private: Path) -> Path:
    """Make a key pair: `private` (PEM, readable by its owner alone) and the same name with .pub; gives the latter."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = private.with_name(private.name + ".pub")
    for path in (private, public):
        if path.exists():
            raise InputError(object=f"{path}", expected="no file", found="one; a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    try:
        private.touch(mode=0o600)
    except OSError as error:
        raise InputError(object=f"{private}", expected="a file that can be made", cause=f"{error.strerror}") from error
    private.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo))
    return public


def _signed(folder: Path, content: bytes, key: Path | None) -> tuple[bool, str]:
    from cryptography.exceptions import InvalidSignature

    public = None if key is None else _load(key, "public", lambda data, form: form.load_pem_public_key(data))
    if not (folder / SIGNATURE).is_file():
        return False, f"{SUMS}: not signed, so this detects accidents only: who alters a file can alter the sums"
    if public is None:
        return False, f"{SUMS}: signed, but by whom was not checked; give the public key"
    try:
        public.verify(base64.b64decode((folder / SIGNATURE).read_bytes(), validate=False), content)
    except (InvalidSignature, ValueError):
        return False, f"{SIGNATURE}: not the signature of {SUMS} by {key}"
    return True, f"{SUMS}: signed by {key}"


def check_private(path: Path) -> Any:
    """The private key in a file; raises InputError where there is none."""
    return _load(path, "private", lambda data, form: form.load_pem_private_key(data, None))


def _load(path: Path, word: str, read: Callable[[bytes, Any], Any]) -> Any:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    try:
        key = read(path.read_bytes(), serialization)
    except (OSError, ValueError, TypeError) as error:
        found = getattr(error, "strerror", None) or error
        raise InputError(object=f"{path}", expected=f"an Ed25519 {word} key (PEM)", cause=f"{found}") from error
    if not isinstance(key, (ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey)):
        raise InputError(object=f"{path}", expected=f"an Ed25519 {word} key", found=f"{type(key).__name__}")
    return key


def _own_sum(content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {SUMS}\n".encode()


def _files(folder: Path) -> list[Path]:
    """Every file below a folder but the seal itself; a link counts as what it is, not as what it points to."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return sorted(path for path in found if path.relative_to(folder).as_posix() not in (SUMS, OWN_SUM, SIGNATURE))


def _sum(path: Path) -> str:
    if path.is_symlink():
        return hashlib.sha256(b"link to " + bytes(path.readlink())).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
