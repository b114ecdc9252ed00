"""Formats of models: a file for each, with `matches(path)`, `load(path, allow)` and `size(path)`.

In: a file or folder. Out: a `Servable`. `table.py` lists the formats and finds the one of a path; a new format is a file and a row there.
"""
