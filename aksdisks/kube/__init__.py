"""The Kubernetes client: typed values out, lists paged, waits as watches; it knows nothing of Azure."""
