"""The language for writing kernels: Python calls that generate LLVM IR text.

Read module.py and function.py first; types.py has the names of types. An instruction is a method of arithmetic.py or memory.py.
"""
