"""Tuning: measured choices that beat the cost model's, and the search for them.

In: the products that a program compiles. Out: a JSON file of choices, which later processes read.
Read `codegen/tuning_records.py` first (the records, and their use by code generation), then `search.py`.

The cost model (`compiler/codegen/contraction/products/choice.py`, with the numbers of each class of processors in `compiler/codegen/processors.py`)
chooses the tiling of a product. `penstock tune script.py` runs a program, measures other tilings of every product that it compiled, and saves those
that are faster by 3 % or more to a file of records (`compiler/codegen/tuning_records.py`), by processor, number of threads and product. The file can be
shared and shipped; `PENSTOCK_TUNING` names it. On the machine of the cost model the search finds almost nothing, which tests the model.

`PENSTOCK_CPU=x86-64-v3` generates code for an AVX2 machine on a larger one, so that its schedules can be tested and tuned there (`make processors`).
"""
