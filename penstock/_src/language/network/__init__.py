"""The computation of a decoder. In: tokens and operands; out: logits.

`decoder.py` has the layers, for every family: read it first. `cache.py` keeps keys and values, and computes attention over them. `program.py` has the
functions that are compiled: a piece of a prompt, a token of several sequences.
"""
