"""If, While, Case and calls: ops with graph functions as attributes."""

from typing import Any

import numpy as np

from penstock._src.core.calls.attributes import Function
from penstock._src.core.calls.facts import Effects, Elements, Flow
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.op import Op
from penstock._src.core.shapes import UNKNOWN, TensorShape, make_shape
from penstock._src.core.typesets import ANY
from penstock._src.core.values import kernel_state
from penstock._src.util.slots import above


def _gradient(op: Op, inputs: list[Any], outputs: list[Any], gradients: list[Any]) -> list[Any]:
    return above("op_gradient")(op, inputs, outputs, gradients)


def run_function(function: Any, values: Any) -> list[Any]:
    """Run a function of the operation that is executing."""
    with kernel_state.calling():
        return function.run(values)  # type: ignore[no-any-return]


def truth(value: Any, op: str) -> bool:
    """Returns whether a condition holds: a number is true unless zero, a string unless empty."""
    if value.ndim == 0:
        return bool(value[()])
    if value.dtype != bool:
        return value.size > 0
    if value.size == 1:
        return bool(value.reshape(()))
    raise InvalidArgumentError(
        f"{op}: the condition must be a scalar. Received shape {value.shape}."
    )


def common_shape(shapes: list[TensorShape]) -> TensorShape:
    """Returns the most specific shape compatible with all of these shapes."""
    first, *rest = shapes
    for shape in rest:
        if first.rank is None or shape.rank != first.rank:
            return UNKNOWN
        pairs = zip(first.as_list(), shape.as_list(), strict=True)
        first = make_shape(tuple(a if a == b else None for a, b in pairs))
    return first


def check_functions(op: Op) -> None:
    """Checks the functions of a loop, branch or call of an imported graph.

    Raises:
      ValueError: a function's arguments and results do not match the op's attributes.
    """
    if op.flow.control == "while":
        types = op.attrs["T"]
        _check_types("cond", op.attrs["cond"], types, None)
        _check_types("body", op.attrs["body"], types, types)
    elif op.flow.control:
        for name, annotation in op.annotations.items():
            single = [op.attrs[name]] if annotation is Function else []
            for function in op.attrs[name] if annotation == list[Function] else single:
                _check_types(name, function, op.attrs["Tin"], op.attrs["Tout"])


def _check_types(name: str, function: Any, taken: Any, returned: Any) -> None:
    sides = {"take": (function.input_types, taken), "return": (function.output_types, returned)}
    for verb, (types, expected) in sides.items():
        if expected is None and len(types) == 1:
            continue
        if expected is None or list(types) != list(expected):
            wanted = "one condition" if expected is None else _listed(expected)
            raise ValueError(
                f"{name} must {verb} {wanted}. Received {function.name}, which has the types {_listed(types)}."
            )


def _listed(types: Any) -> str:
    return f"[{', '.join(dtype.name for dtype in types)}]"


def _branch_shapes(branches: Any) -> list[TensorShape]:
    return [
        common_shape(list(column))
        for column in zip(*(b.output_shapes for b in branches), strict=True)
    ]


class StatelessIf(Op):
    """The results of `then_branch` or `else_branch`; only one runs."""

    signature = "cond: Tcond, input: *Tin -> output: *Tout"
    Tcond = ANY
    Tout: list[DType]
    then_branch: Function
    else_branch: Function
    output_shapes: list[TensorShape] = []
    flow = Flow(control="if")

    def shape(self, cond, input):
        return list(self.output_shapes) or _branch_shapes([self.then_branch, self.else_branch])

    def gradient(self, cond, input, output, doutput):
        dcond, *dinput = _gradient(self, [cond, *input], output, doutput)
        return dcond, dinput

    def eager(self, cond, input):
        branch = self.then_branch if truth(cond, self.op_type) else self.else_branch
        return run_function(branch, input)


class If(StatelessIf):
    """The results of `then_branch` or `else_branch`; only one runs, and it may have side effects."""

    stateful = True


class StatelessCase(Op):
    """The results of `branches[branch_index]`, or of the last branch if the index is out of range."""

    signature = "branch_index: int32, input: *Tin -> output: *Tout"
    Tout: list[DType]
    branches: list[Function]
    output_shapes: list[TensorShape] = []
    flow = Flow(control="case")

    def shape(self, branch_index, input):
        return list(self.output_shapes) or _branch_shapes(self.branches)

    def gradient(self, branch_index, input, output, doutput):
        _, *dinput = _gradient(self, [branch_index, *input], output, doutput)
        return None, dinput

    def eager(self, branch_index, input):
        index = int(branch_index)
        if not 0 <= index < len(self.branches):
            index = len(self.branches) - 1
        return run_function(self.branches[index], input)


class Case(StatelessCase):
    """The results of `branches[branch_index]`; branches may have side effects."""

    stateful = True


class StatelessWhile(Op):
    """`while cond(input): input = body(input)`."""

    signature = "input: *T -> output: *T"
    cond: Function
    body: Function
    output_shapes: list[TensorShape] = []
    parallel_iterations: int = 10
    flow = Flow(control="while")

    def shape(self, input):
        return list(self.output_shapes) or [t.shape for t in self.body.inputs]

    def gradient(self, input, output, doutput):
        return (_gradient(self, input, output, doutput),)

    def eager(self, input):
        values = list(input)
        while truth(run_function(self.cond, values)[0], self.op_type):
            values = run_function(self.body, values)
        return values


class While(StatelessWhile):
    """`while cond(input): input = body(input)`; both may have effects."""

    stateful = True


class PartitionedCall(Op):
    """The results of `f(*args)`."""

    signature = "args: *Tin -> output: *Tout"
    Tout: list[DType]
    f: Function
    config: str = ""
    config_proto: str = ""
    executor_type: str = ""
    flow = Flow(control="call")

    def shape(self, args):
        return self.f.output_shapes

    def gradient(self, args, output, doutput):
        return (_gradient(self, args, output, doutput),)

    def eager(self, args):
        return run_function(self.f.stand_in or self.f, args)


class StatefulPartitionedCall(PartitionedCall):
    """The results of `f(*args)`, which may have effects."""

    stateful = True


class SymbolicGradient(Op):
    """The gradients of the arguments of `f`; the input is the arguments, then the gradients of the results."""

    signature = "input: *Tin -> output: *Tout"
    minimum = {"Tin": 1, "Tout": 1}
    Tout: list[DType]
    f: Function

    def shape(self, input):
        return [TensorShape(argument) for argument in input[: len(self.Tout)]]

    def eager(self, input):
        return above("gradient_function")(self.f).run(input)


class RemoteCall(Op):
    """The results of `f(*args)` on the device `target`, which is always this process."""

    signature = "target: string, args: *Tin -> output: *Tout"
    Tout: list[DType]
    f: Function
    stateful = True

    def shape(self, target, args):
        return self.f.output_shapes

    def eager(self, target, args):
        return run_function(self.f, args)


class For(Op):
    """`for i in range(start, limit, delta): input = body(i, *input)`."""

    signature = "start: int32, limit: int32, delta: int32, input: *T -> output: *T"
    body: Function

    def shape(self, start, limit, delta, input):
        return [t.shape for t in self.body.inputs[1:]]

    def eager(self, start, limit, delta, input):
        values = list(input)
        for index in range(int(start), int(limit), int(delta)):
            values = run_function(self.body, [np.asarray(index, np.int32), *values])
        return values


class FakeParam(Op):
    """A dummy value of a known dtype, for results that only another branch computes."""

    signature = "-> output: dtype[*shape]"
    dtype: DType
    shape: TensorShape

    def eager(self):
        if not self.dtype.is_numpy_compatible:
            return None
        shape = self.attrs["shape"]
        dims = (
            [] if shape.rank is None else [0 if size is None else size for size in shape.as_list()]
        )
        return np.zeros(dims, self.dtype.np)


class NoOp(Op):
    """Does nothing; a point for control dependencies."""

    signature = "->"
    elements = Elements(is_movement=True)

    def eager(self):
        return ()

    def lower(self, p):
        return ()


class ControlTrigger(NoOp):
    """Does nothing; a point for control dependencies, also on operations in a branch that is not taken."""

    effects = Effects(runs_always=True)


class ToBool(Op):
    """Convert a condition to bool: a number is true unless 0, a string unless empty, a tensor unless it has no elements."""

    signature = "input: T -> output: bool[]"
    T = ANY

    def eager(self, input):
        return np.asarray(bool(input[()]) if input.ndim == 0 else input.size > 0)


class DeviceIndex(Op):
    """The index of this device's type among the given names."""

    signature = "-> index: int32[]"
    device_names: list[str]
    stateful = True
    effects = Effects(effect_free=True)

    def eager(self):
        names = list(self.device_names)
        return np.asarray(names.index("CPU") if "CPU" in names else len(names), np.int32)
