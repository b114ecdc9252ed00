"""Writes the type stubs of the public tree: what `tools/gen_stubs.py` is made of.

`tree` finds the public objects and where each is defined, `knowledge/` holds types that the sources do not state, `spelling`
turns annotations into text, `functions`, `classes`, `messages` and `raw_ops` write one object, `modules` a file.
"""
