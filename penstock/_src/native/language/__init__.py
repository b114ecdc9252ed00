"""The language kernels are written in: Python calls that make LLVM IR text.

Read first module.py and function.py; types.py spells types.  An instruction is a method of arithmetic.py or memory.py.
"""
