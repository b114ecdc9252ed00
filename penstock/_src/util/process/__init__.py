"""The process and its threads: `collector.py` pauses the collector of cycles, `forks.py` frees locks in forked children, `quiet.py` silences NumPy.

Python's cyclic garbage collector is paused while graphs and programs are built, because it took up to a sixth of the time to scan objects that all
stay alive.
"""
