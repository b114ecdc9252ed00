"""Translates the operations of a StableHLO module to primitives.

Read translate.py first; each family of operations has a file. A handler takes the translation, the operation and its
operands as nodes, and returns its results. If it needs a value that is not static (`p.value` is None), it raises
NotLowerable: the module then runs on the host, through the same handlers and an ImmediateBuilder.
"""
