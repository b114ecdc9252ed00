"""What the operations of a StableHLO module compute, in primitives.

Read translate.py first; a file for each family of operations follows. A handler takes the translation, the operation
and its operands as nodes, and returns its results. Where only the host knows a value (`p.value` is None), a handler
raises NotLowerable: the module then runs on the host, by the same handlers and an ImmediateBuilder.
"""
