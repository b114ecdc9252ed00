"""The process and its threads.

`collector.py` pauses the collector of cycles, `blas.py` limits the threads of NumPy's products, `forks.py` frees locks in forked
children, `heap.py` gives freed memory back to the system, `quiet.py` silences NumPy, `installing.py` has the command that installs an extra.
"""
