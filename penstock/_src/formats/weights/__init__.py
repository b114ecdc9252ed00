"""Files of weights: tensors by name, and facts about them. In: files; out: `Weights`, whose tensors are views of mapped files.

`stored.py` has the records, `types.py` the types in which numbers are stored, several to a block in some, and `packing.py` makes such blocks.
"""
