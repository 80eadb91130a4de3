"""The persistentvolume-controller of 2019: for an in-tree class it only notes who provisions, and asks nobody else."""

from __future__ import annotations

from aksdisks.lab.client.interface import Object
from aksdisks.lab.controllers.persistent_volume import PersistentVolumeController
from aksdisks.lab.controllers.storage import BETA_STORAGE_PROVISIONER, annotations_of
from aksdisks.lab.in_tree.disks import IN_TREE


class InTreeBinder(PersistentVolumeController):
    """Binding is as it is today; provisioning is `InTreeProvisioner`'s, which speaks in this controller's name."""

    async def _provision(self, claim: Object, storage_class: Object | None) -> None:
        if storage_class is None or storage_class["provisioner"] != IN_TREE:
            await super()._provision(claim, storage_class)
        elif annotations_of(claim).get(BETA_STORAGE_PROVISIONER) != IN_TREE:
            meta = claim["metadata"]
            patch = {"metadata": {"annotations": {BETA_STORAGE_PROVISIONER: IN_TREE}}}
            self.claims.observe(await self.api.patch("persistentvolumeclaims", meta["name"], patch, meta["namespace"]))

    async def _assign_default_class(self, claim: Object) -> bool:
        """Then only admission did that."""
        del claim
        return False
