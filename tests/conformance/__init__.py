"""Fuzzed conformance: random calls of ops that lower, compiled, eager and as TensorFlow computes them.

`values.py` draws arrays; `elementwise.py`, `movement.py`, `windows.py` and `networks.py` draw calls of ops, `drawn.py`
has them all by name. `recorded.npz` holds calls with TensorFlow's results (`record.py` makes it). A new op with a
lowering gets an entry in one of the tables; `test_fuzz.py` says which have none.
"""
