"""Files behind other URLs, through fsspec: `system.py`; `read_ahead.py` asks for what a reader will want next."""
