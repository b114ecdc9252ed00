"""Collective ops: sums, gathers and exchanges over a group of devices of this process.

A group of one gets its own tensor (`single.py`). The members of a larger group that one graph has are joined when it runs
(`together.py`, `graph/passes/collectives.py`); those of a cluster's processes exchange values (`members.py`, `cluster.py`), sums
as parts of programs (`lowering.py`).
"""
