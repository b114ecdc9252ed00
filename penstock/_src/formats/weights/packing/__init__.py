"""How numbers are stored in blocks. In: bytes; out: float32, and back.

`table.py` lists the types with their sizes, `blocks_of_32.py` blocks with one scale, `blocks_of_256.py` those whose
scales are packed as well.
"""
