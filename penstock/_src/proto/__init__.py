"""The messages of the formats that Penstock reads and writes, in a private protobuf pool.

A new message goes into the schema text of its file; `schema.py` explains the language.

Protocol buffers are declared in our own schema text and built into a private descriptor pool (schema.py): no generated code, and no conflict with an
installed TensorFlow or TensorBoard.
"""
