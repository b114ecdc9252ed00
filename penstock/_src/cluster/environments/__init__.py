"""How launchers describe a cluster in environment variables: a file each, in the order of `table.py`."""
