"""Recognition: finds groups of nodes that one kernel computes together.

In: a Function. Out: `Recognized` (recognized.py), from which fusion/ makes groups. Read recognize.py first, the stage.

    attention.py        softmax(Q K^T) V with any epilogue of the scores, and its gradients; causal_mask.py: columns that a mask hides
    contractions/       products and convolutions, with their elementwise epilogues
    reductions.py       reductions, with the elementwise nodes before and after them
    streams.py          operations on different logical devices, which may run side by side
    row_reductions.py   reductions whose results are used only by the rows that they reduce

Each docstring shows the nodes that are found and the result. A new recognizer is a file here, a field of `Recognized` and a line in recognize.py.

Streams (`streams.py`). Operations on different logical devices, such as the replicas of a `MirroredStrategy`, are streams of one program. No kernel computes
for two of them. `fusion/stream_sections.py` orders kernels in sections: within a section no stream reads values of another one; between sections are
kernels that belong to no stream, such as a sum of gradients. A section is a record of the launch table (`STREAMS`): as many streams as there are threads are
tasks of the pool, and each runs its launches on its own thread (`native/runner.py`). Where that would leave threads idle, streams run one after another,
each on all threads. Within a section, buffers of different streams share no memory, no stream overwrites values that another one reads, and each stream has
its own status words; the first stream that failed determines the run's error.
"""
