"""What kernels see: `arrays.py` from Python values to NumPy arrays, `resources.py` handles, `kernel_state.py` memory."""
