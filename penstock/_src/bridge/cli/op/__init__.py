"""`penstock op`: what a raw op, or a public function, takes, gives and calls.

In: a name, `MatMul` or `tf.nn.softmax`. Out: lines about it. Read `show.py` first; `calls.py` finds the ops that a function's code names.
"""

from penstock._src.bridge.cli.op.show import main

__all__ = ["main"]
