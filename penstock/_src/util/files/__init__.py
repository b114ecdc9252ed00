"""Files: written whole (`whole.py`), as records (`records.py`), with checksums (`crc32c.py`)."""
