"""What each kind of node means: arrays.py in NumPy, by scalars.py and random_streams.py; what can be said of its value without running
the program: known_values.py as numbers and expressions, ranges.py as the least and the largest. A new kind needs a function in arrays.py."""
