"""What will go wrong with these manifests: rules about disks, on files and on the objects of a cluster."""
