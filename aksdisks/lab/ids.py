"""Random names, uids and template hashes, the same ones again when a seed is given."""

from __future__ import annotations

import random
import uuid
from typing import Any

import orjson

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What upstream draws names from: no vowels, so no words (k8s.io/apimachinery/pkg/util/rand)."""


class Ids:
    """One source of randomness for the whole lab."""

    def __init__(self, seed: int | None = None) -> None:
        """`seed`: makes every name, uid and hex string repeatable; None draws from the system."""
        self._random = random.Random(seed)

    def uid(self) -> str:
        """A random UUID of version 4."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def suffix(self, length: int = 5) -> str:
        """The random end of a generated name."""
        return "".join(self._random.choices(ALPHABET, k=length))

    def number(self, below: int) -> int:
        """A whole number from 0 to `below` - 1 (ports, provisioner identities)."""
        return self._random.randrange(below)

    @staticmethod
    def hash10(obj: Any) -> str:
        """A template's hash: at most ten letters, a pure function of `obj`, whatever the order of its keys.

        As upstream (pkg/controller ComputeHash): FNV-1a in 32 bits, written in decimal, each digit mapped into the
        alphabet. The text hashed is JSON here and Go's dump of the struct there, so the hashes differ.
        """
        value = 0x811C9DC5
        for byte in orjson.dumps(obj, option=orjson.OPT_SORT_KEYS):
            value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
        return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(value))
