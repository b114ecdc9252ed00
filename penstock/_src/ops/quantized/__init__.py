"""Quantized numbers: rounding floats to few levels, and tensors of small integers that stand for floats.

Read fake_quantize.py first (floats in, floats out), then quantize.py (the integer types).
"""
