"""The debugger of compiled functions: a compiled run is repeated line by line, and Python's own debugger stops in it.

In: a traced function whose lines were recorded (`core/calls/lines.py`), and what a run of it began with. Out: a dialogue of `pdb`, or of
an editor's.

stops.py     what runs a function that is debugged, and when it stops
conditions.py  `tf.debugging.stop_at`
post_mortem.py  `tf.debugging.post_mortem`: a call that has failed, once more
snapshot.py  what a run began with: inputs, variables, positions of random numbers, what the host gave
replay.py    the run once more, operation by operation; scope.py: of one graph
frames.py    Python frames with the file, lines and names of the user's program, which run while operations are computed
backward.py  the lines of a gradient
prompt.py    pdb in these frames
editors.py   an editor that is attached by debugpy, in pdb's place
sessions.py  sessions of TensorFlow 1
watching.py    what notes the results of a replay without stops
comparison.py  how a replay's results differ from the compiled run's

The compiled program is the one that runs without a debugger: a breakpoint is a mark beside the graph, not an operation. A function with
marks is traced twice, the second time while its lines are recorded; each of its runs keeps its inputs, and is repeated by the eager
kernels before its results are handed out. Meanwhile variables have the values that they had at that line, and afterwards those of the compiled run.
"""
