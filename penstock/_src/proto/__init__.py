"""The messages of the formats that Penstock reads and writes, in a private protobuf pool.

A new message goes into the schema text of its file; `schema.py` explains the language.
"""
