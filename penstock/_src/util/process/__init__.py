"""What concerns the process: `collector.py` pauses the collector of cycles, `forks.py` frees locks in forked children."""
