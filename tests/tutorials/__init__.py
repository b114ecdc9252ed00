"""Ordinary programs in the style of guides and tutorials, by field, beside what TensorFlow gives for them.

Each runs by itself, on data that it makes, and prints RESULT lines. `expected/` holds TensorFlow's lines and how far it left itself
(record.py); running.py says what may differ. A fixed share runs in `make test`, all of them by `make tutorials`.
"""
