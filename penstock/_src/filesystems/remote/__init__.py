"""Files at other URLs, through fsspec: `system.py`; `read_ahead.py` prefetches what a reader will want next."""
