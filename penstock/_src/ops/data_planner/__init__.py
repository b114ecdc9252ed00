"""How a pipeline runs: what its options ask for, threads, and rewrites before the first element.

settings.py reads `tf.data.Options`; threads.py has the iterators that compute elements in other threads; vectorized.py computes
functions for many elements at once; rules.py rewrites pipelines, each rule to one with the same elements; plan.py applies the
rules that the options allow; measures.py takes the time of each step, for `Dataset.explain`.
"""
