"""Programs that use a service: `distribute.py` registers datasets, `arguments.py` checks arguments, `consuming.py` iterates."""
