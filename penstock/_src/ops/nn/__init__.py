"""Neural networks: activations, convolutions, pooling, normalization, losses, CTC.

Read activation.py first, then conv.py (the ops) and convolution.py (the arithmetic of all of them, on arrays and as primitives); pool.py and
pooling.py are the same for pooling. window.py has sizes, padding and layouts of windows.
"""
