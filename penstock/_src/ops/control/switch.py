"""TensorFlow 1's control flow nodes. Importing a graph converts them to If and While."""

import re

from penstock._src.core.op import Op
from penstock._src.core.shapes import SCALAR, UNKNOWN
from penstock._src.core.typesets import ANY
from penstock._src.ops.control.functional import common_shape
from penstock._src.ops.variants import variant


class Switch(Op):
    """`data` at one of two outputs; what reads the other does not run."""

    signature = "data: T, pred: bool -> output_false: T[data], output_true: T[data]"
    T = ANY
    differentiable = False


class Merge(Op):
    """Whichever of `inputs` is computed, and its index."""

    signature = "inputs: N * T -> output: T, value_index: int32"
    T = ANY
    differentiable = False

    def shape(self, inputs):
        return common_shape(list(inputs)), SCALAR


class Enter(Op):
    """Brings a tensor into the loop `frame_name`."""

    signature = "data: T -> output: T"
    T = ANY
    frame_name: str
    is_constant: bool = False
    parallel_iterations: int = 10
    differentiable = False

    def shape(self, data):
        return data if self.is_constant else UNKNOWN


class Exit(Op):
    """Brings a tensor out of its loop."""

    signature = "data: T -> output: T[data]"
    T = ANY
    differentiable = False


class NextIteration(Op):
    """Passes a tensor to the next iteration of its loop."""

    signature = "data: T -> output: T[data]"
    T = ANY
    differentiable = False


class LoopCond(Op):
    """The condition of a loop."""

    signature = "input: bool -> output: bool[]"
    differentiable = False


def by_reference(name: str, op: type[Op]) -> type[Op]:
    """Makes the op for references to variables."""
    signature = re.sub(r": (N \* )?T\b", r": \1Ref(T)", op.signature)
    return variant(name, op, signature=signature, __doc__=f"{op.__doc__[:-1]}, by reference.")


by_reference("RefSwitch", Switch)
by_reference("RefMerge", Merge)
by_reference("RefEnter", Enter)
by_reference("RefExit", Exit)
by_reference("RefNextIteration", NextIteration)
