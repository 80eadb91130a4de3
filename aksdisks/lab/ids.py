"""Random names, uids and template hashes, the same ones again when a seed is given."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from typing import Any

import orjson

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""What upstream draws names from: no vowels, so no words (k8s.io/apimachinery/pkg/util/rand)."""


class Ids:
    """One source of randomness for the whole lab.

    Controllers act side by side, in an order that differs each time. What is drawn `of` something, such as a resource,
    a namespace and a name, depends with a seed on that and on how often it was drawn of it, not on that order.
    """

    def __init__(self, seed: int | None = None) -> None:
        """`seed`: makes every name, uid and hex string repeatable; None draws from the system."""
        self._seed = seed
        self._random = random.Random(seed)
        self._drawn: Counter[tuple[str, ...]] = Counter()

    def uid(self, *of: str) -> str:
        """A random UUID of version 4."""
        return str(uuid.UUID(int=self._source(of).getrandbits(128), version=4))

    def suffix(self, length: int = 5, *, of: tuple[str, ...] = ()) -> str:
        """The random end of a generated name."""
        return "".join(self._source(of).choices(ALPHABET, k=length))

    def _source(self, of: tuple[str, ...]) -> random.Random:
        if self._seed is None or not of:
            return self._random
        self._drawn[of] += 1
        return random.Random(f"{self._seed} {'/'.join(of)} {self._drawn[of]}")

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
