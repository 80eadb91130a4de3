"""Which cluster the tags of a resource speak of; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aksdisks.inspection.ownership.facts import Facts
from aksdisks.model import CLUSTER_TAG, Unknown

# Tags whose value is the name of a cluster. AKS puts the first on what it makes; cloud-provider-azure the others on
# what it makes for Services (pkg/consts), with "kubernetes" where nobody gave the cluster a name.
CLUSTER_TAGS = (CLUSTER_TAG, "k8s-azure-cluster-name", "kubernetes-cluster-name")
_NO_NAME = "kubernetes"


def other_cluster(facts: Facts, tags: Mapping[str, str]) -> str:
    """Why tags speak of another cluster, or may; empty where they do not."""
    for tag, name in _other_names(facts, tags):
        if isinstance(facts.cluster, Unknown):
            return f"its tag {tag} names cluster {name}; whether that is this one is {facts.cluster}"
        if not facts.cluster and not _group(facts).startswith("mc_"):
            return f"its tag {tag} names cluster {name}; what this one is called, Azure does not say"
        return f"its tag {tag} names another cluster, {name}"
    return ""


def names_another(facts: Facts, tags: Mapping[str, str]) -> bool:
    """Whether tags name another cluster, where it is known what this one is called."""
    known = bool(facts.cluster) or _group(facts).startswith("mc_")
    return known and not isinstance(facts.cluster, Unknown) and any(_other_names(facts, tags))


def _other_names(facts: Facts, tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The tags that name a cluster which is not known to be this one, with the name."""
    for tag in CLUSTER_TAGS:
        name = tags.get(tag, "")
        if name and (tag == CLUSTER_TAG or name != _NO_NAME) and not _is_ours(facts, name):
            yield tag, name


def _is_ours(facts: Facts, name: str) -> bool:
    """Whether this is our cluster's name: Azure's tag says it, else a node resource group `MC_<rg>_<cluster>_<region>`.

    A name may have underscores, so the group's cannot be taken apart, only compared.
    """
    if isinstance(facts.cluster, str) and facts.cluster:
        return facts.cluster.lower() == name.lower()
    group = _group(facts)
    return group.startswith("mc_") and group.rpartition("_")[0].endswith(f"_{name.lower()}")


def _group(facts: Facts) -> str:
    """The node resource group's name, in lower case."""
    return facts.scope.rpartition("/")[2].lower()
