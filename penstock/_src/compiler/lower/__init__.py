"""Ops to primitives.

What comes in: operations of a graph, with what their inputs are (values.py). What goes out: nodes, and in the LoweringContext the effects on
variables and the checks.

    lowering.py       calls each op's `lower`; read it first
    context.py        the LoweringContext `p` that `lower` gets
    control_flow.py   ops whose attributes are functions: calls and loops; loops.py and branches.py make `while` and `case` nodes
    trip_count.py     how many steps a loop makes
    tensor_lists.py   lists of tensors as dense buffers; list_memory.py: how large they become in a loop
    dynamic_rows*.py  arrays with a data-dependent number of rows
    checks.py         assertions; concrete_shapes.py: the shape rules of ops, asked again for the shapes at hand

An op that is lowered by itself needs nothing here: it has a `lower` method where it is defined.

Dynamic rows: results of a data-dependent size (`tf.where`, `boolean_mask`, `tf.unique`; `compiler/lower/dynamic_rows.py`) stay inside a program as a
buffer of the maximum number of rows, and a count. Row-wise ops process the whole buffer, ops that combine rows mask the unused ones, and a scatter
drops them. Any other op goes into a separate block, which gets only the valid rows. Lowering tracks the value range of each node
(`ir/meaning/ranges.py`), so counts of clipped values have a static size and a random crop is known to be within its image.
"""
