"""The disk driver with its sidecars: provisioner, attacher, resizer, registrar."""
