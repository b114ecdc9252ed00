"""Eager calls as builtins: of ops (`op_calls.py`, to read first; `results.py`), and of public functions from their arguments (`direct_calls.py`)."""
