"""Reads a cluster and its Azure, joins both sides and judges what was read; nothing here changes anything."""
