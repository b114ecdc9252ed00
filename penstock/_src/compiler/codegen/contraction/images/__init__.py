"""Convolutions, depthwise ones, and the gradients of their filters.

convolution.py describes them, emit.py chooses the algorithm: conv.py and filter_gradient.py (implicit products), winograd/
(3 x 3 taps), few_outputs.py, depthwise.py. window.py copies what a task reads of an image, weights.py packs weights.
"""
