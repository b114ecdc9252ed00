"""Graphs of raw ops: the result of tracing, the program of sessions, the source of saved formats.

Read `graph.py` (Graph, Operation, SymbolicTensor), then `func_graph.py` (captures).
"""
