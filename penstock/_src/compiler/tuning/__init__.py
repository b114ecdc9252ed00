"""Tuning: choices that were measured to be better than the cost model's, and the search that finds them.

In: the products a program compiles. Out: a JSON file of choices, which later processes read.
Read `codegen/tuning_records.py` first (what is kept, and how code generation finds it), then `search.py`.

The cost model (`compiler/codegen/contraction/products/choice.py`, with the numbers of each class of processors in `compiler/codegen/processors.py`)
chooses how a product is cut. `penstock tune script.py` runs a program, measures other cuts of every product that it compiled, and keeps those that
win by 3 % or more in a file of records (`compiler/codegen/tuning_records.py`): by processor, number of threads and product. The file can be shared
and shipped; `PENSTOCK_TUNING` names it. On the machine that the model was made on, the search finds next to nothing: that is its test.

`PENSTOCK_CPU=x86-64-v3` generates code for an AVX2 machine on a larger one, so that its schedules can be tested and tuned there (`make processors`).
"""
