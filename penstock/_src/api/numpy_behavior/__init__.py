"""NumPy's behavior of tensors, when enabled: methods, operators, indices, and the promotion of public functions.

Start with `behavior.py`; `functions.py` lists the functions that keep weak dtypes.
"""
