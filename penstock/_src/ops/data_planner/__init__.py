"""How a pipeline runs: what its options ask for, threads, and rewrites before the first element.

settings.py reads `tf.data.Options`; threads.py has the iterators that compute elements in other threads; stacked.py computes
functions of rows of arrays for many elements at once, grouped.py the first operations of functions of records and strings
(group_functions.py finds them); rules.py rewrites pipelines, each rule to one with the same elements; plan.py applies the
rules that the options allow; measures.py takes the time of each step, for `Dataset.explain`.
"""
