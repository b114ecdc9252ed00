"""State of training that is divided among processes (ZeRO): each holds and updates a part.

`options.py` decides what is sharded, `variables.py` has the variables, `updates.py` runs an optimizer's update on shards.

State of optimizers is divided in this folder (ZeRO): an update's function runs on a `PartOfVariable`, and what it computed is held to be elementwise
by its operations; sums become reduce-scatters where only the own part is read (`graph/passes/scattered_sums.py`). A weight that is divided among
processes (`weights.py`) is read by one operation, which is what gradients know; `graph/passes/gathered_weights.py` puts gathers in its place, one for
each pass, and moves sums to where gradients are made: processes exchange in the order of operations. A loop that reads such a weight is traced with
the read in front of it (`autodiff/loop_reads.py`), so there is one gather for all rounds. How many of them are under way at a time, and so in memory,
is the unit's `ahead`, which `fusion/exchange_order.py` keeps to.
"""
