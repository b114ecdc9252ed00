"""JSON of requests: texts as values, values as members and arrays, and arrays as JSON.

In: bodies of requests. Out: records and NumPy arrays. `texts.py` reads a text, `fields.py` the members of an object, `values.py` arrays.
"""
