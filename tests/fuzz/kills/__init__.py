"""Processes killed while they save over what they saved before; afterwards the last whole file must load.

`kinds.py` has what is saved, and what must be found; `rounds.py` kills, fills the disk and takes the permission to write;
`__main__.py` does so as often as it is told.
"""
