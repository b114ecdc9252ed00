"""TensorFlow 1's reference variables: create, assign, add, subtract.

These ops run in graphs. The value on an edge is the `VariableHandle` itself; an op that needs the value reads it when it runs.
"""

import weakref

import numpy as np

from penstock._src.core.calls.facts import Effects
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import AlreadyExistsError, NotFoundError, OutOfRangeError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import INDEX, NUMBER
from penstock._src.core.values import resources
from penstock._src.core.values.resources import VariableHandle, as_variable, owned
from penstock._src.ops.array.slice import TensorStridedSliceUpdate
from penstock._src.ops.rules import show

# {name: temporary variable} of those that live: they do as long as the step that made them uses them.
_TEMPORARY: weakref.WeakValueDictionary[str, VariableHandle] = weakref.WeakValueDictionary()


class ReferenceOp(Op):
    """An update of a v1 variable; returns its reference."""

    effects = Effects(updates=True)
    differentiable = False
    lower = None

    def shape(self, ref, *_inputs):
        return ref

    def eager(self, ref, *inputs):
        variable = as_variable(ref, self.op_type)
        variable.value = owned(self.updated(variable, *inputs))
        return variable


class _MakeVariable(Op):
    signature = "-> ref: Ref(dtype)"
    dtype: DType
    stateful = True
    shared_name = container = ""

    def output_shape(self):
        return self.attrs["shape"]

    def eager(self):
        def make():
            return VariableHandle(self.attrs["shape"], self.dtype, self.shared_name, self.container)

        return resources.shared(VariableHandle, self.container, self.shared_name, make)


class VariableV2(_MakeVariable):
    """A variable that lives as long as its session."""

    shape: TensorShape
    container: str = ""
    shared_name: str = ""


class Variable(_MakeVariable):
    """The older name of VariableV2."""

    shape: TensorShape
    container: str = ""
    shared_name: str = ""


class TemporaryVariable(_MakeVariable):
    """A variable to accumulate into, until DestroyTemporaryVariable takes its value."""

    shape: TensorShape
    var_name: str = ""

    def eager(self):
        variable = VariableHandle(self.attrs["shape"], self.dtype, self.var_name)
        if self.var_name:
            if self.var_name in _TEMPORARY:
                raise AlreadyExistsError(f"Resource __per_step__/{self.var_name} already exists.")
            _TEMPORARY[self.var_name] = variable
        extents = self.attrs["shape"].as_list()
        variable.value = np.zeros(extents, self.dtype.as_numpy_dtype)  # TensorFlow: any values
        return variable


class DestroyTemporaryVariable(Op):
    """The last value of a temporary variable."""

    signature = "ref: Ref(T) -> value: T[ref]"
    var_name: str

    def eager(self, ref):
        variable = as_variable(ref, "DestroyTemporaryVariable")
        if _TEMPORARY.get(self.var_name) is not variable:
            raise NotFoundError(f"Resource __per_step__/{self.var_name} does not exist.")
        del _TEMPORARY[self.var_name]
        return variable.read()


class IsVariableInitialized(Op):
    """Return a bool scalar: True if a v1 variable has a value."""

    signature = "ref: Ref(dtype) -> is_initialized: bool[]"

    def eager(self, ref):
        return np.bool_(as_variable(ref, "IsVariableInitialized").value is not None)


class Assign(ReferenceOp):
    """Assigns a new value to a variable."""

    signature = "ref: Ref(T), value: T -> output_ref: Ref(T)"
    validate_shape: bool = True
    use_locking: bool = True

    def shape(self, ref, value):
        return value if not self.validate_shape else ref.merge_with(value)

    def updated(self, variable, value):
        if self.validate_shape and not variable.shape.is_compatible_with(value.shape):
            raise self.invalid(
                "Assign requires shapes of both tensors to match. lhs shape= "
                f"{show(variable.shape.as_list())} rhs shape= {show(value.shape)}"
            )
        return value


class _AssignBy(ReferenceOp):
    signature = "ref: Ref(T), value: T -> output_ref: Ref(T)"
    T = NUMBER
    use_locking: bool = False

    def shape(self, ref, value):
        return ref.merge_with(value)

    def updated(self, variable, value):
        current = variable.read()
        if current.shape != value.shape:
            raise self.invalid(f"shapes must be equal: {show(current.shape)} {show(value.shape)}")
        return self.combined(current, value)


class AssignAdd(_AssignBy):
    """Adds a value to a variable."""

    combined = staticmethod(np.add)


class AssignSub(_AssignBy):
    """Subtracts a value from a variable."""

    combined = staticmethod(np.subtract)


class StridedSliceAssign(TensorStridedSliceUpdate):
    """Assigns a broadcast value to a strided slice of a variable."""

    signature = """ref: Ref(T), begin: Index, end: Index, strides: Index, value: T
        -> output_ref: Ref(T)[ref]"""
    differentiable = False
    lower = None
    effects = Effects(updates=True)

    def eager(self, ref, *inputs):
        variable = as_variable(ref, self.op_type)
        variable.value = super().eager(variable.read(), *inputs)
        return variable


class CountUpTo(Op):
    """The value of a variable, which is then incremented, up to a limit."""

    signature = "ref: Ref(T) -> output: T[]"
    limit: int
    T = INDEX
    effects = Effects(updates=True)

    def eager(self, ref):
        variable = as_variable(ref, self.op_type)
        value = variable.read()
        if value >= self.limit:
            raise OutOfRangeError(f"Reached limit of {self.limit}")
        variable.value = owned(value + value.dtype.type(1))
        return value


class ResourceCountUpTo(CountUpTo):
    """CountUpTo for a resource variable."""

    signature = "resource: resource -> output: T"
    limit: int
    T: INDEX


class RefIdentity(Op):
    """The same reference."""

    signature = "input: Ref(T) -> output: Ref(T)[input]"

    def gradient(self, _input, _output, dy):
        return dy

    def eager(self, input):
        return input


class DebugGradientRefIdentity(RefIdentity):
    """The same reference; marks a gradient for the debugger."""


class RefSelect(Op):
    """One of several references."""

    signature = "index: int32, inputs: N * Ref(T) -> output: Ref(T)"
    ranks = {"index": (0,)}

    def shape(self, index, inputs):
        return inputs[0]

    def eager(self, index, inputs):
        if not 0 <= index < len(inputs):
            raise self.invalid(f"index must be in the range [0, {len(inputs)}) but got {index}")
        return inputs[int(index)]
