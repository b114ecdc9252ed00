"""Calls that are wrong in one place: what TensorFlow refuses, Penstock refuses, and what it computes, Penstock computes.

`mutations.py` spoils the recorded calls (`../recorded.npz`), `answers.py` makes a module's answers, each in a process with a
limit, `record.py` keeps TensorFlow's, `test_refusals.py` compares.
"""
