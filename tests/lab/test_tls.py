"""The certificates of a lab, as OpenSSL's own client judges them."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

import pytest
from cryptography import x509

from aksdisks.lab import tls


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_authority_vouches_for_loopback(name: str) -> None:
    certificates = tls.issue()
    version = shake_hands(tls.server_context(certificates, client_certificates=True), certificates.authority, name)
    assert version == "TLSv1.3"


def test_other_names_and_other_authorities_are_not_vouched_for() -> None:
    certificates = tls.issue()
    server = tls.server_context(certificates, client_certificates=False)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(server, certificates.authority, "example.org")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(server, tls.issue().authority, "127.0.0.1")


def test_lifetime_and_subject() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    certificates = tls.issue(now)
    admin = x509.load_pem_x509_certificate(certificates.admin.certificate)
    assert admin.subject.rfc4514_string() == "CN=aksdisks-admin,O=system:masters"
    assert admin.not_valid_before_utc < now < admin.not_valid_after_utc
    assert (admin.not_valid_after_utc - now).days == 3650
    assert b"PRIVATE" not in repr(certificates).encode()


def shake_hands(server: ssl.SSLContext, authority: bytes, name: str) -> str | None:
    """Both sides of a handshake in memory; the version agreed on."""
    client = ssl.create_default_context(cadata=authority.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [ours, theirs]
    for _ in range(10):
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
        if not waiting:
            return ours.version()
    raise AssertionError("the handshake does not end")
