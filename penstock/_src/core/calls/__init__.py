"""Binds the arguments of a call to a complete op.

`signature.py` parses the one-line signatures of ops, `attributes.py` converts attributes, `binding.py` infers dtypes and
converts arguments to tensors.

Consent. Graphs from files compute, and nothing else: an op that reads or writes files or calls Python says so in its class (`Op.permissions`), and
the importer guards its kernel until the caller of `load` allows it (`consent.py`; `docs/files.md`). `penstock audit` lists what a model would ask
for.
"""
