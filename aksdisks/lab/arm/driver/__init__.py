"""What the disk driver asks of Azure, in process or over HTTPS."""
