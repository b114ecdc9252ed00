"""What several nodes are together, that one kernel computes.

What comes in: a Function. What goes out: `Recognized` (recognized.py), of which fusion/ makes groups.

    attention.py        softmax(Q K^T) V with what is between, and its gradients; causal_mask.py: columns that a mask hides
    contractions/       products and convolutions, with the elementwise nodes that each takes along
    reductions.py       reductions, with the elementwise nodes that each takes along
    lanes.py            what was placed on different logical devices, and may run side by side
    row_reductions.py   reductions that only serve the rows that they reduce

Each docstring has the picture of what it finds and what it makes. Read first: recognize.py, the stage. A new recognizer is a
file here, a field of `Recognized` and a line in recognize.py.
"""
