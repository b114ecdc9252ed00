"""`penstock verify`: a program on Penstock and on TensorFlow, layer by layer and step by step.

In: a program. Out: how far what it computes differs, and where it first differs by more than rounding. Read `command.py` first. `recorder.py` runs the
program in a process of its own, under either library, and writes what it computes; it imports nothing of Penstock's. `environments.py` finds a TensorFlow,
`records.py` reads what was written, `comparison.py` compares. `replay.py` and `diff.py` are commands for recordings of compiled runs
(`observe/recordings`); `operations_recorder.py` writes such recordings on TensorFlow, operation by operation, where `recorder.py` takes samples of layers and steps.
"""

from penstock._src.bridge.cli.verify.command import main

__all__ = ["main"]
