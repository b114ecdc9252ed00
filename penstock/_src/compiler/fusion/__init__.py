"""Which nodes become one kernel.

What comes in: a function and what recognize/ found in it (`Recognized`). What goes out: a `Schedule`: kernels in launch order.

    partition.py   Recognized -> Partition     what is stored (storing.py, costs.py) and the groups (groups.py) that store it
    merge.py       Partition  -> Partition     groups over one space become one; column_sums.py adds up on a contraction's tiles
    schedule.py    Partition  -> Schedule      each group written as kernels (kernels/); lane_sections.py says which run side by side

Read first: partition.py, then storing.py. Another reason to store a node goes to storing.py, another way to join groups to merge.py.
"""
