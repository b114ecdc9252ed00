"""Tuning: choices that were measured to be better than the cost model's, and the search that finds them.

In: the products a program compiles. Out: a JSON file of choices, which later processes read.
Read `codegen/tuning_records.py` first (what is kept, and how code generation finds it), then `search.py`.
"""
