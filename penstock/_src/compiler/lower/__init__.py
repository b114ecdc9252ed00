"""Ops to primitives.

lowering.py calls each op's `lower`; control_flow.py lowers the ops whose attributes are functions; tensor_lists.py the
lists that loops carry, as dense buffers; trips.py finds how often a loop runs at most. An op that is lowered by itself
needs nothing here: it has a `lower` method where it is defined.
"""
