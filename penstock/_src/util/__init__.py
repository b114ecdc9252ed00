"""What knows nothing of tensors: nested structures, flags, names, the table of public names, source locations.

Anything may import from here; nothing here imports the rest of Penstock.
"""
