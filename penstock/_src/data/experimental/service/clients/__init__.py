"""Programs that use a service: `distribute.py` registers datasets and makes those that it produces, `arguments.py` checks what they are given, `consuming.py` iterates."""
