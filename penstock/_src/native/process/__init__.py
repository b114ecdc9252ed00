"""Native code that stands in the process's own places: NumPy's allocator (`array_memory.py`), the handler of SIGINT (`process/interrupts.py`).

What LLVM calls where a processor lacks an instruction is here, too (`float16_calls.py`). All are IR text of the pool's module, put in place when the pool is made.
`exchanges.py` drives MPI for sums that go on while a program computes: a library of its own.
"""
