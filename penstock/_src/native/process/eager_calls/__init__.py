"""Eager calls as builtins: of ops (`op_calls.py`, to read first; `results.py`), and of public functions from their arguments (`direct_calls.py`).

Slices (`item_calls.py`), variables (`variable_calls.py`) and elementwise ops by NumPy's inner loops (`loop_calls.py`) have builtins of their own.
"""
