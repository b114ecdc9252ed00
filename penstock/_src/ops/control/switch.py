"""TensorFlow 1's control flow nodes. Importing a graph converts them to If and While; others run in compiler/token_flow.py."""

import re

import numpy as np

from penstock._src.core.calls.facts import Flow
from penstock._src.core.op import Op
from penstock._src.core.shapes import SCALAR, UNKNOWN
from penstock._src.core.typesets import ANY
from penstock._src.ops.control.functional import common_shape
from penstock._src.ops.variants import variant


class Switch(Op):
    """`data` at one of two outputs; operations that read the other one do not run."""

    signature = "data: T, pred: bool[] -> output_false: T[data], output_true: T[data]"
    T = ANY
    differentiable = False
    flow = Flow(redirects="switch")

    def eager(self, data, pred):
        nothing = np.zeros([0], data.dtype)
        return (nothing, data) if pred else (data, nothing)


class Merge(Op):
    """The input that is computed, and its index."""

    signature = "inputs: N * T -> output: T, value_index: int32"
    minimum = {"N": 1}
    T = ANY
    differentiable = False

    flow = Flow(redirects="merge")

    def shape(self, inputs):
        return common_shape(list(inputs)), SCALAR

    def eager(self, inputs):
        return inputs[0], np.asarray(0, np.int32)


class Enter(Op):
    """Brings a tensor into the loop `frame_name`."""

    signature = "data: T -> output: T"
    T = ANY
    frame_name: str
    is_constant: bool = False
    parallel_iterations: int = 10
    differentiable = False

    flow = Flow(redirects="enter")

    def shape(self, data):
        return data if self.is_constant else UNKNOWN

    def eager(self, data):
        return data


class Exit(Op):
    """Brings a tensor out of its loop."""

    signature = "data: T -> output: T[data]"
    T = ANY
    differentiable = False
    flow = Flow(redirects="exit")

    def eager(self, data):
        return data


class NextIteration(Op):
    """Passes a tensor to the next iteration of its loop."""

    signature = "data: T -> output: T[data]"
    T = ANY
    differentiable = False
    flow = Flow(redirects="next")

    def eager(self, data):
        return data


class LoopCond(Op):
    """The condition of a loop."""

    signature = "input: bool -> output: bool[input]"
    ranks = {"input": (0,)}
    differentiable = False

    def eager(self, input):
        return input


def by_reference(name: str, op: type[Op]) -> type[Op]:
    """Makes the op for references to variables."""
    signature = re.sub(r": (N \* )?T\b", r": \1Ref(T)", op.signature)
    return variant(name, op, signature=signature, __doc__=f"{op.__doc__[:-1]}, by reference.")


by_reference("RefSwitch", Switch)
by_reference("RefMerge", Merge)
by_reference("RefEnter", Enter)
by_reference("RefExit", Exit)
by_reference("RefNextIteration", NextIteration)
