"""The methods of the Builder, by idea. Each class is a mixin: `make` is the Builder's own (builder.py)."""
