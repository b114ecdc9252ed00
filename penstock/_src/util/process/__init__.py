"""The process and its threads.

`collector.py` pauses the collector of cycles, `blas.py` limits the threads of NumPy's products, `forks.py` frees locks in forked
children, `heap.py` gives freed memory back to the system, `quiet.py` silences NumPy, `installing.py` has the command that installs an extra. `layouts.py` states how objects of CPython and NumPy are laid out,
and `layout_samples.py` compares that with sample objects.
"""
