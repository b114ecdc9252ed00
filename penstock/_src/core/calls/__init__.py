"""Binds the arguments of a call to a complete op.

`signature.py` parses the one-line signatures of ops, `attributes.py` converts attributes, `binding.py` infers dtypes and
converts arguments to tensors.

Consent. Graphs loaded from files may only compute. An op that reads or writes files, or calls Python, declares it in its class (`Op.permissions`),
and the importer blocks its kernel until the caller of `load` allows it (`consent.py`; `docs/files.md`). `penstock audit` lists the permissions that a
model needs.
"""
