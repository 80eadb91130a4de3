"""The Azure client: calls of compute and storage to Azure Resource Manager, typed values out; no Kubernetes."""
