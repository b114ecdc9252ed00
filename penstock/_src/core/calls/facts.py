"""What op classes state of their effects and values, which the rest of the engine asks for instead of listing ops.

A class states what it adds; what its bases state holds, too.

    class ReadVariableOp(Op):
        effects = Effects(reads_only=True)
"""

import dataclasses
from typing import TypeVar

Record = TypeVar("Record", "Effects", "Values")


@dataclasses.dataclass(frozen=True)
class Effects:
    """What a stateful op does besides computing its outputs, and when."""

    # Changes nothing: it reads the resources that it takes.
    reads_only: bool = False
    # Reads variables and gives them new values, as one step: no other thread's update comes in between.
    updates: bool = False
    # Reads what does not change while nobody writes it: a loop that only reads it may read it once, see autodiff/loop_reads.py.
    leaves_loops: bool = False
    # Runs even if what it waits for is in a branch of a TensorFlow 1 condition that is not taken.
    runs_always: bool = False
    # Whether it has run is only seen by who reads its outputs (random numbers, new tables).
    effect_free: bool = False
    # Stateful by definition, but nothing remembers a call: it raises where values are bad, or makes something new.
    leaves_nothing: bool = False
    # Has an effect of its own, besides those of the functions that it holds.
    has_own_effect: bool = False
    # Takes elements of a dataset: an OutOfRangeError of it says that there are no more.
    may_end: bool = False
    # Takes what its input refers to until an operation takes the output: others that want it must wait for that one.
    holds_until_consumed: bool = False
    # May wait for what other threads or runs do: fill a queue, hand in gradients.
    may_wait: bool = False


@dataclasses.dataclass(frozen=True)
class Values:
    """What is known of an op's results without computing them."""

    # Every element of a result is one of an input's, or a constant; so is every movement, which may do without a kernel.
    rounds_nothing: bool = False
    # Results are finite wherever inputs are; every movement is such an op.
    keeps_finite: bool = False
    # `eager` gives the same bits as compiled kernels, and no arguments of these types are refused.
    eager_is_exact: bool = False
    # tf.get_static_value looks through it.
    has_static_value: bool = False


def stated_by(cls: type, name: str, record: type[Record]) -> Record:
    """Returns what a class and its bases state in the attribute `name`."""
    stated = [base.__dict__[name] for base in cls.__mro__ if name in base.__dict__]
    fields = [field.name for field in dataclasses.fields(record)]
    return record(**{each: any(getattr(one, each) for one in stated) for each in fields})
