"""Fourier transforms and spectrograms.

fft.py has the ops, fourier.py lowers them to the primitive `fft`. A length that a program does not know is a number for the first two lengths, and
left to the host after them (`MOST_FIXED` in compiler/blocks/block.py).
"""
