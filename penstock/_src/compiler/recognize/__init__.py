"""Recognition: finds groups of nodes that one kernel computes together.

What comes in: a Function. What goes out: `Recognized` (recognized.py), of which fusion/ makes groups.

    attention.py        softmax(Q K^T) V with what is between, and its gradients; causal_mask.py: columns that a mask hides
    contractions/       products and convolutions, with the elementwise nodes that each takes along
    reductions.py       reductions, with the elementwise nodes that each takes along
    lanes.py            what was placed on different logical devices, and may run side by side
    row_reductions.py   reductions that only serve the rows that they reduce

Each docstring has the picture of what it finds and what it makes. Read first: recognize.py, the stage. A new recognizer is a
file here, a field of `Recognized` and a line in recognize.py.

Lanes (`lanes.py`). Operations that were placed on different logical devices, such as the replicas of a `MirroredStrategy`, are lanes of one program.
No kernel computes for two of them. `fusion/lane_sections.py` puts kernels in an order of sections: in a section no lane reads what another makes;
between sections is what belongs to none, such as a sum of gradients. A section is a record of the launch table (`LANES`): as many lanes as there are
threads are tasks of the pool, and each runs its launches on its own thread (`native/runner.py`). Where that would leave threads without work, lanes
run one after another, each on all threads. In a section, buffers of different lanes share no memory, no lane writes over what another reads, and each
has status words of its own; the first lane that failed gives the run's error.
"""
