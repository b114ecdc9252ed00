"""PENSTOCK_CHECK: every run of a program is held to an interpretation of what was lowered.

A function and arguments come in. `members.py` interprets it several times at once: a center, whose sums are exact to the last
place, and members, in which everything that compiled code may round otherwise is rounded otherwise at random (`rounding.py`;
`sums.py` for all that adds up). How far they lie from one another is how far a right program may lie from the center
(`oracle.py`). `checked.py` runs a program, compares, and names the stage at fault; `poison.py` makes memory that nobody
has written show.
"""
