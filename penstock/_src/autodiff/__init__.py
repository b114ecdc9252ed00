"""Differentiation: the tape that records, the reverse walk, gradients of graphs and of control flow.

Read `tape.py`, then `backprop.py`; `gradient_tape.py` and `jacobian.py` are what users see.
Each op's own gradient is a method of its class (ops/).

The tape (`autodiff/tape.py`) records which op produced which tensors, eager or symbolic. It keeps only the values that the op's gradient uses: a
parameter of `gradient` whose name starts with `_` is not kept.
"""
