"""The language for writing kernels: Python calls that generate LLVM IR text.

Read first module.py and function.py; types.py spells types.  An instruction is a method of arithmetic.py or memory.py.
"""
