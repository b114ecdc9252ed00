"""Graphs of raw ops: the result of tracing, the program of sessions, the source of saved formats.

Read `graph.py` (Graph; its methods for looking up, scopes and collections are in `members/`) and `operation.py` (Operation, SymbolicTensor), then
`func_graph.py` (captures).
"""
