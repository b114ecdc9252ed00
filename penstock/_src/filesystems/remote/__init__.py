"""Files at other URLs, through fsspec: `system.py`; `read_ahead.py` prefetches the next blocks."""
