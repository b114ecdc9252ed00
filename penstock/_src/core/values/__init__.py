"""Host values of kernels: `arrays.py` (NumPy arrays from Python values), `resources.py` (handles), `kernel_state.py`."""
