"""Host values of kernels: `arrays.py` (NumPy arrays from Python values), `resources.py` (handles), `kernel_state.py`.

Memory of large arrays (at least 128 KB, `memory.py`) is reused after the last array in it is freed, because page faults on new memory cost more than
most kernels that fill it.
"""
