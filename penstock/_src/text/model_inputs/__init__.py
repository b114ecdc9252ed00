"""Rows of tokens made into what models take: `trimmers.py` shortens them, `segments.py` joins them, `selectors.py` and `masking.py` mask some, `padding.py` makes them equally long."""
