"""From the arguments of a call to a complete op.

`signature.py` reads the one-line language in which ops say what they take and give, `attributes.py`
converts attributes, `binding.py` infers types and makes tensors of the arguments.
"""
