"""3 x 3 convolutions and their filter gradients by Winograd's algorithm: a quarter of the multiplications.

transforms.py has the algebra, tiles.py what both kernels share; read it first, then forward.py (which also computes
input gradients) and filter_gradient.py. direct.py computes tiles that are not finite by the plain sum. Row-major, 6 x 6 points of a tile
stand beside each other: [36][tile][channel].
"""
