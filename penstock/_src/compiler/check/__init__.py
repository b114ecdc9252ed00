"""PENSTOCK_CHECK: compares every run of a program with an interpretation of the lowered function.

In: a function and arguments. `members.py` interprets the function several times together: a center, with exactly rounded sums, and members, in
which every operation that compiled code may round differently is perturbed at random (`rounding.py`; `sums.py` for sums). The distance
between them is the allowed distance of a correct program from the center (`oracle.py`). `checked.py` runs a program, compares, and names the
faulty stage; `poison.py` fills memory so that reads of unwritten elements show.
"""
