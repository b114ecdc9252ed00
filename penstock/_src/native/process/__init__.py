"""Native code that stands in the process's own places: NumPy's allocator (`array_memory.py`), the handler of SIGINT (`process/interrupts.py`).

Both are IR text of the pool's module, and are put in place when the pool is made.
"""
