"""The reference: primitives interpreted in NumPy (ir/interpreter.py). Nothing is planned. Read device.py."""
