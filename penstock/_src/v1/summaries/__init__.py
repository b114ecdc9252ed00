"""Summary operations, and the profiler of graphs.

In: tensors, or a graph. Out: Summary messages, event files, tables of counts.
Read `summary.py` first (`tf.compat.v1.summary`); `model_profile.py` is `tf.compat.v1.profiler`, with a rule per op in
`operation_counts.py`.
"""
