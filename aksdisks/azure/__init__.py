"""The Azure client: compute calls of Azure Resource Manager, typed values out; it knows nothing of Kubernetes."""
