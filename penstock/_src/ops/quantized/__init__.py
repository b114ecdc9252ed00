"""Quantization: floats rounded to few levels, and tensors of small integers that represent floats.

Read fake_quantize.py first (floats in, floats out), then quantize.py (the integer types).
"""
