"""Servables: loaded models, as functions over arrays.

In: a file or folder. Out: a `Servable`. `servable.py` has the records, `formats/` loads them.
"""
