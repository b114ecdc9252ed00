"""What primitives mean, in NumPy: arrays.py by kind, scalars.py the elementwise functions, random_streams.py the bits."""
