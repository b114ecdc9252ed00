"""Graphs of raw ops: what tf.function traces into, what sessions run, what formats are written from.

Read `graph.py` (Graph, Operation, SymbolicTensor), then `func_graph.py` (captures).
"""
