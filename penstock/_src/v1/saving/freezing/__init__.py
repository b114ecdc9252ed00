"""Freezing: variables are replaced by constants.

In: a concrete function, or a GraphDef with the session that has its variables. Out: the same without variables. Read `constants.py` first;
`functions.py` copies the functions of a GraphDef's library that take variables.
"""
