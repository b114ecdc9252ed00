"""What cuts strings into parts and puts them together: read `base.py` first, which has the classes that all tokenizers are."""
