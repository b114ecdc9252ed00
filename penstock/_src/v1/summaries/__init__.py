"""What a graph tells of itself: summaries that are operations, and the profile of a graph.

In: tensors, or a graph. Out: Summary messages, event files, tables of counts.
`summary.py` comes first (`tf.compat.v1.summary`); `model_profile.py` is `tf.compat.v1.profiler`, with a rule per op in `operation_counts.py`.
"""
