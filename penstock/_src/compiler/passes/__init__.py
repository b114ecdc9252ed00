"""Passes over a Function of primitives.

In and out: a Function. Read simplify.py first, then product_chains.py, shared_heads.py and weights.py, then loops/. remaking.py rebuilds a function around nodes that a pass replaces. A new pass is a file here and a line in pipeline.py. A simplification
that one rule can express is a row of ir/rules instead, applied as nodes are made.
"""
