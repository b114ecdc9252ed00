"""Fuzzed conformance: random calls of ops that lower, and programs of them: compiled, eager, and as TensorFlow computes.

`draws/` has strategies of calls by family, for all types that TensorFlow's kernels take (`kernels.json`); `checks.py`
says what a call must satisfy. `recorded.npz` holds calls with TensorFlow's results (`record.py` makes it, `calling.py`
calls an op of either module). `programs.py` makes whole programs. An op that gets a lowering gets an entry in one of the
tables; `test_fuzz.py` says which have none.
"""
