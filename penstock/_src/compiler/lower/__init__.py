"""Lowers operations of a graph to primitives.

In: operations, with the lowered values of their inputs (values.py). Out: nodes, and in the LoweringContext the updates of variables and the checks.

    lowering.py       calls each op's `lower`; read it first
    context.py        the LoweringContext `p`, the argument of `lower`
    control_flow.py   ops whose attributes are functions: calls and loops; loops.py and branches.py make `while` and `case` nodes
    trip_count.py     trip counts of loops, and by how much numbers grow in a step
    tensor_lists.py   lists of tensors as dense buffers; list_memory.py: their sizes in loops
    dynamic_rows*.py  arrays with a data-dependent number of rows
    checks.py         assertions; concrete_shapes.py: the shape rules of ops, applied again to the shapes of a call

An ordinary op needs nothing here: its class has a `lower` method.

Errors of `lower`. An op runs on the host if its `lower` raises `NotLowerable`. If it raises TensorFlow's error for invalid arguments, or
`RefusedValue` in code shared with a shape rule, the host kernel raises the same error. Any other failure is a bug: the reason that `explain` shows
then starts with "internal:", and a `RuntimeWarning` says so. Under `PENSTOCK_VERIFY` it is raised, as are refusals that the host kernel does not share.

Dynamic rows: results of a data-dependent size (`tf.where`, `boolean_mask`, `tf.unique`; `compiler/lower/dynamic_rows.py`) stay inside a program as a
buffer of the maximum number of rows, and a count. Row-wise ops process the whole buffer, ops that combine rows mask the unused ones, and a scatter
drops them. Any other op goes into a separate block, which gets only the valid rows. Lowering tracks the value range of each node
(`ir/meaning/ranges.py`), so counts of clipped values have a static size and a random crop is known to be within its image.
"""
