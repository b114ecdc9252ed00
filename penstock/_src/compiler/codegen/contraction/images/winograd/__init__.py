"""3 x 3 convolutions and their filter gradients by Winograd's algorithm: a quarter of the multiplications.

transforms.py has the algebra, tiles.py the part that both kernels share; read it first, then forward.py (which also computes
input gradients) and filter_gradient.py. direct.py recomputes tiles with non-finite outputs by the plain sum. Layout: the 6 x 6 points of a tile
are the outermost, row-major axis: [36][tile][channel].
"""
