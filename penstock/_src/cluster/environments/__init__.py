"""Environment variables by which launchers describe a cluster: a file each, in the order of `table.py`."""
