"""What checkpoints find: `trackable.py` objects that know their dependencies, `data_structures.py` containers."""
