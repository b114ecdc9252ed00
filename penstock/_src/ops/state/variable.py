"""Variables: handles, reads and assignments."""

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls.facts import Effects, Elements, Slices
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import NotFoundError
from penstock._src.core.op import Op
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import ANY, INDEX, NUMBER
from penstock._src.core.values import resources
from penstock._src.core.values.resources import VariableHandle, as_variable, owned
from penstock._src.ir.errors import NotLowerable
from penstock._src.ops.rules import quiet, show


class VarHandleOp(Op):
    """The handle of a variable of this dtype and shape; unless anonymous, it can be found by its name."""

    signature = "-> resource: resource[]"
    container: str = ""
    shared_name: str = ""
    debug_name: str = ""
    dtype: DType
    shape: TensorShape
    allowed_devices: list[str] = []
    effects = Effects(reads_only=True)

    @classmethod
    def check_attributes(cls, attrs):
        """Nothing is refused: the name of a variable's container may have any characters."""

    def held(self):
        """The shape and dtype of the variable, which reads in graphs from files know by it."""
        return [(self.attrs["shape"], self.dtype)]

    def eager(self):
        if resources.HERE.maker is not None:
            return resources.HERE.maker.run(self, ())

        def make():
            return VariableHandle(self.attrs["shape"], self.dtype, name, self.container)

        name = self.shared_name or self.debug_name
        if self.shared_name == resources.ANONYMOUS:
            return make()
        return resources.shared(VariableHandle, self.container, self.shared_name, make)


class ReadVariableOp(Op):
    """The current value of a variable."""

    signature = "resource: resource -> value: dtype"
    dtype: DType
    slices = Slices(accepted=True)
    effects = Effects(reads_only=True)
    elements = Elements(keeps_places=True)

    def shape(self, resource):
        return variable_shape(resource)

    def gradient(self, _resource, _value, dy):
        return dy

    def eager(self, resource):
        variable = as_variable(resource, "ReadVariableOp")
        value = variable.read()
        if variable.dtype is not self.dtype and variable.dtype != self.dtype:
            raise self.invalid(
                "Trying to read variable with wrong dtype. "
                f"Expected {_called(self.dtype)} got {_called(variable.dtype)}"
            )
        return value

    def lower(self, p, resource):
        return p.read_variable(resource)


class AssignVariableOp(Op):
    """Assigns a new value to a variable."""

    signature = "resource: resource, value: dtype ->"
    dtype = ANY
    elements = Elements(keeps_places=True)
    validate_shape: bool = False
    effects = Effects(updates=True)

    def shape(self, resource, value):
        check_type(resource, value)
        variable_shape(resource).merge_with(value)
        return ()

    def eager(self, resource, value):
        variable = as_variable(resource, "AssignVariableOp")
        if variable.dtype is not self.dtype and variable.dtype != self.dtype:
            raise self.invalid(
                "Trying to assign variable with wrong dtype. "
                f"Expected {_called(variable.dtype)} got {_called(self.dtype)}"
            )
        current = variable.value
        if self.validate_shape and current is not None and current.shape != value.shape:
            raise self.invalid(
                "Trying to assign to variable with tensor with wrong shape. "
                f"Expected {show(current.shape)} got {show(value.shape)}"
            )
        variable.value = owned(value)

    def value_after(self, before, value):
        return value

    def lower(self, p, resource, value):
        p.assign_variable(resource, value)
        return ()


class _AssignBy(Op):
    """An update of a variable by a value of the same shape."""

    signature = "resource: resource, value: dtype ->"
    dtype = ANY
    elements = Elements(keeps_places=True)
    effects = Effects(updates=True)

    def shape(self, resource, value):
        check_type(resource, value)
        variable_shape(resource).assert_is_compatible_with(value)
        return ()

    def _check_kernel(self):
        if self.dtype not in NUMBER:
            raise self.invalid(
                f"No OpKernel was registered to support Op '{self.op_type}' "
                f"with these attrs: [dtype={self.dtype.name}]"
            )

    @quiet
    def eager(self, resource, value):
        self._check_kernel()
        variable = as_variable(resource, type(self).__name__)
        current = variable.read()
        if current.shape != value.shape:
            raise self.invalid(
                f"Cannot update variable with shape {show(current.shape)} using a Tensor with shape "
                f"{show(value.shape)}, shapes must be equal."
            )
        if variable.dtype != self.dtype:
            raise self.invalid(
                "Trying to assign variable with wrong dtype. "
                f"Expected {_called(variable.dtype)} got {_called(self.dtype)}"
            )
        variable.value = owned(self.update(current, value))

    def value_after(self, before, value):
        return self.update(before, value)

    def lower(self, p, resource, value):
        self._check_kernel()
        current = p.read_variable(resource)
        if tuple(current.shape) != tuple(value.shape):
            raise NotLowerable("the value's shape is not the variable's")
        p.assign_variable(resource, self.update(current, value))
        return ()


class AssignAddVariableOp(_AssignBy):
    """Adds a value to a variable."""

    def update(self, current, value):
        return current + value


class AssignSubVariableOp(_AssignBy):
    """Subtracts a value from a variable."""

    def update(self, current, value):
        return current - value


class VarIsInitializedOp(Op):
    """Return a bool scalar: True if a variable has a value."""

    signature = "resource: resource -> is_initialized: bool[]"
    differentiable = False
    effects = Effects(reads_only=True)

    def eager(self, resource):
        return np.bool_(isinstance(resource, VariableHandle) and resource.value is not None)


class VariableShape(Op):
    """The shape of a variable's value."""

    signature = "input: resource -> output: out_type"
    out_type: INDEX = dtypes.int32
    differentiable = False
    effects = Effects(reads_only=True)

    def shape(self, input):
        return TensorShape([variable_shape(input).rank])

    def eager(self, input):
        value = as_variable(input, "VariableShape").read()
        return np.array(value.shape, self.out_type.as_numpy_dtype)

    def lower(self, p, input):
        return p.cast(p.shape_value(p.read_variable(input).shape), self.out_type)


class DestroyResourceOp(Op):
    """Frees a resource; with `ignore_lookup_error`, it may be freed already."""

    signature = "resource: resource ->"
    ignore_lookup_error: bool = True

    def eager(self, resource):
        gone = isinstance(resource, VariableHandle) and resource.value is None
        if gone and not self.ignore_lookup_error:
            raise NotFoundError(f"DestroyResourceOp: Resource {resource.name} does not exist.")
        if isinstance(resource, VariableHandle):
            resource.value = None
        resources.manager().remove(resource)


def variable_shape(resource):
    """Return the static shape of the variable of a handle."""
    data = resource.handle_data
    return TensorShape(data[0][0]) if data else TensorShape(None)


def check_type(resource, value):
    """Raises ValueError if the value has another dtype than the variable."""
    data = resource.handle_data
    if data and data[0][1] != value.dtype:
        raise ValueError(
            "Trying to assign variable with wrong dtype. "
            f"Expected {_called(data[0][1])} got {_called(value.dtype)}"
        )


def _called(dtype):
    """Return a type's name in TensorFlow's kernels."""
    return {"float32": "float", "float64": "double"}.get(dtype.name, dtype.name)
