"""Native code that is installed in the process: NumPy's allocator (`array_memory.py`), the handler of SIGINT (`process/interrupts.py`).

Functions that LLVM calls on processors without an instruction are here, too (`float16_calls.py`). All are IR text of the pool's module, installed when
the pool is made, as is the mode in which programs take denormal numbers for zeros (`denormals.py`). `matrix_registers.py` asks the system for AMX. `processor.py` asks which
processor this is. `exchanges.py` is a library of its own: it drives MPI for collectives that proceed while a program computes.

Builtins that Python's own work per call is moved into are here as well: checks of arrays (`array_forms.py`), whole calls of programs (`program_calls.py`), of
eager ops and public functions (`eager_calls`), lists of tensors (`object_lists.py`).
"""
