"""Utilities independent of tensors: nested structures, flags, names, the table of public names, source locations.

Everything may import from here; nothing here imports the rest of Penstock.
"""
