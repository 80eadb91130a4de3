"""Labels and annotations that have new names, and what upstream warns of where the old ones are used."""

from __future__ import annotations

from collections.abc import Iterator

from aksdisks.lab.client.interface import Object

BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
OLD_CLASS = 'deprecated since v1.8; use "storageClassName" attribute instead'
STABLE = {
    "beta.kubernetes.io/arch": "kubernetes.io/arch",
    "beta.kubernetes.io/os": "kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
}
_SINCE = {"beta.kubernetes.io/arch": "v1.14", "beta.kubernetes.io/os": "v1.14"}
OLD_LABELS = {old: f'deprecated since {_SINCE.get(old, "v1.17")}; use "{new}" instead' for old, new in STABLE.items()}


def term_warnings(at: str, term: Object) -> Iterator[str]:
    """Of one term of a node selector."""
    for index, expression in enumerate(term.get("matchExpressions", ())):
        key = expression.get("key", "")
        if key in OLD_LABELS:
            yield f"{at}.matchExpressions[{index}].key: {key} is {OLD_LABELS[key]}"
