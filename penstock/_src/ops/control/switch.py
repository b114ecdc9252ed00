"""TensorFlow 1's control flow nodes. Importing a graph converts them to If and While."""

from penstock._src.core.op import Op
from penstock._src.core.shapes import SCALAR, UNKNOWN
from penstock._src.core.typesets import ANY
from penstock._src.ops.control.functional import common_shape


class Switch(Op):
    """`data` at one of two outputs; what reads the other does not run."""

    signature = "data: T, pred: bool -> output_false: T[data], output_true: T[data]"
    T = ANY
    differentiable = False


class RefSwitch(Op):
    """`data` at one of two outputs; what reads the other does not run."""

    signature = "data: Ref(T), pred: bool -> output_false: Ref(T)[data], output_true: Ref(T)[data]"
    T = ANY
    differentiable = False


class Merge(Op):
    """Whichever of `inputs` is computed, and its index."""

    signature = "inputs: N * T -> output: T, value_index: int32"
    T = ANY
    differentiable = False

    def shape(self, inputs):
        return common_shape(list(inputs)), SCALAR


class RefMerge(Op):
    """Whichever of `inputs` is computed, and its index."""

    signature = "inputs: N * Ref(T) -> output: Ref(T), value_index: int32"
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


class RefEnter(Op):
    """Brings a tensor into the loop `frame_name`."""

    signature = "data: Ref(T) -> output: Ref(T)"
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


class RefExit(Op):
    """Brings a tensor out of its loop."""

    signature = "data: Ref(T) -> output: Ref(T)[data]"
    T = ANY
    differentiable = False


class NextIteration(Op):
    """Hands a tensor to the next iteration of its loop."""

    signature = "data: T -> output: T[data]"
    T = ANY
    differentiable = False


class RefNextIteration(Op):
    """Hands a tensor to the next iteration of its loop."""

    signature = "data: Ref(T) -> output: Ref(T)[data]"
    T = ANY
    differentiable = False


class LoopCond(Op):
    """The condition of a loop."""

    signature = "input: bool -> output: bool[]"
    differentiable = False
