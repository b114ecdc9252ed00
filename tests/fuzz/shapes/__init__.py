"""Calls traced for unknown dimensions and called with twenty sizes in changing order, compared with eager ones.

    make fuzz WHICH=shapes MINUTES=10                                 draws for a while
    python -m tests.fuzz.shapes --only bincount                 the calls whose names contain this

calls.py      the recorded calls of tests/golden and tests/conformance, as functions of arrays; numbers among their
              arguments may be computed from an extent
sizes.py      the sizes that a call is made with
judging.py    runs a call eagerly and traced, and compares; whether memory grows
tensorflow_peer.py  which calls TensorFlow does not trace either
trials.py     the call of each seed
programs/     random programs over shapes, judged beside eager
__main__.py   runs calls as users do: without flags, many shapes in one process

`python -m tests.fuzz.shapes.static --compare` traces every recorded call for five kinds of signatures, and prints where static shapes deny
results, or say less than TensorFlow's.
"""
