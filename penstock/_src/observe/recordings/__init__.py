"""Recordings of compiled runs: the initial state of the last steps, so that each can be repeated later, and compared with another.

In: runs within `tf.debugging.recording(folder)`. Out: a folder, which `penstock replay` and `penstock diff` read.

recording.py  the block, and the ring of the last runs (run.py)
files.py      the folder: a file for each function and each run, without code in them
compiled.py   what operations compute compiled, for recordings that hold values
repeated.py   a run of a folder once more: all that its operations compute
parting.py    where two runs part
libraries.py  where runs of TensorFlow and of Penstock part
own_kernels.py  a run of TensorFlow by Penstock's kernels, on equal operands
comparison.py   the distance of two values, and the tolerance for rounding

Arrays are kept as they stand while a program runs, without copies, and written when the block ends. Operations with effects on the host, such
as taking the next elements of a dataset, are not repeated: what they gave is recorded.
"""
