"""Objects that checkpoints can save: `trackable.py` (objects with dependencies), `data_structures.py` (containers)."""
