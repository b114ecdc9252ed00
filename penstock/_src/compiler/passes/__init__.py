"""Passes over a Function of primitives: one file each, `Function -> Function`, listed in compile.py's STAGES.

Algebra needs no pass: the builder applies ir/rules as nodes are made.
"""
