"""Texts in UTF-8: cut into words and pieces, and their characters replaced.

In: arrays of bytes objects, tables with an entry for each code point, tries. Out: numbers, positions and new bytes objects. Read first: utf8.py. Tables of code points begin empty (zeros, which
take no memory): a function that meets an empty entry stops, its caller fills the entries around it (`table.py`), and the function goes on with the same string.
"""
