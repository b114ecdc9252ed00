"""Comma-separated values: native code reads well-formed records into columns, and Python the others, one by one, or reports the error.

`columns.py` has the native side, `records.py` the records of files in Python, `values.py` single values; `decode.py` is the op on strings,
`dataset.py` that on files.
"""
