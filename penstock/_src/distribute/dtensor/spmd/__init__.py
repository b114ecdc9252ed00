"""Sharding propagation: what ops on whole tensors are as ops on shards, with exchanges between processes.

In: an operation (or a graph of them) over whole tensors, and the layouts of its inputs. Out: operations on the shards of this
process, and the layouts of their results. A rule (`rules/`) says for an op in which layouts it takes its inputs, in which
its results are, and over which mesh dimensions these have still to be summed; `relayout.py` inserts the exchanges. An op without
a rule takes whole inputs. Start with `plans.py`, then `partition.py`.
"""
