"""The process and its threads: `collector.py` pauses the collector of cycles, `forks.py` frees locks in forked children, `quiet.py` silences NumPy."""
