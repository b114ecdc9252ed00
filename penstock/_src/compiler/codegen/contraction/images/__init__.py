"""Convolutions, depthwise ones, and the gradients of their filters: convolution.py describes, window.py copies."""
