"""Utilities independent of tensors: nested structures, flags, names, the table of public names, source locations.

Everything may import from here; nothing here imports the rest of Penstock.

Upward calls. Functions of higher layers that lower layers call often (running an op eagerly, creating a constant) are slots, and those that they call
rarely are rows of a table, both in `slots.py`. `tests/layout/test_slots.py` checks that higher layers set nothing else in lower layers.
"""
