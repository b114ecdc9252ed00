"""Functions where numbers end: NaN, infinities, both zeros, denormals, the largest numbers, ends of integer ranges.

`values.py` has the numbers, `calls.py` the functions, `record.py` keeps what TensorFlow gives for them, `test_edges.py` compares
it with eager and compiled results. `apart.json` tells what differs, and why.
"""
