"""Families of convolutions: conv.py with another inner loop. Each has a problem, whose choices differ, and a writer of parts.

dots.py         int8, by the processor's dot products
few_outputs.py  vectors along the input channels
matrices.py     bfloat16, by the registers of AMX
"""
