"""Create, update, patch and delete: the pipeline that every write passes."""
