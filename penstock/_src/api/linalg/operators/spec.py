"""The TypeSpec of an operator, made from the specs of its arguments, and slicing of batches."""

from penstock._src.core.convert import is_tensor_like
from penstock._src.core.registry import raw
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.signatures import read_only

from . import shapes

_SHAPES = ("num_rows", "num_columns", "batch_shape")


class LinearOperatorSpec(TypeSpec):
    """The type of an operator: `components` are specs by argument, `rest` the other arguments."""

    operator_class: type

    def __init__(self, components, rest, static=()):
        self._components, self._rest, self._static = components, rest, tuple(static)

    value_type = read_only("operator_class", "The class of the operators.")

    def _serialize(self):
        return self._components, self._rest, self._static

    @property
    def _component_specs(self):
        return self._components

    def _to_components(self, value):
        return {name: _argument(value, name) for name in self._components}

    def _from_components(self, components):
        return self.operator_class(**components, **self._rest)


def spec_class(operator_class):
    """The spec class of an operator class."""
    name = f"{operator_class.__name__}Spec"
    return type(name, (LinearOperatorSpec,), {"operator_class": operator_class})


def spec_of(operator):
    """The spec of an operator."""
    components, rest, static = {}, {}, []
    for name in operator._arguments:
        value = _argument(operator, name)
        if name in _SHAPES:
            static.append(name)
            known = _static(value)
            if known is not None:
                rest[name] = known
                continue
        spec = _spec(value)
        if spec is not None:
            components[name] = spec
        elif name != "name":
            rest[name] = value
    return operator._spec_class(components, rest, static)


def _argument(operator, name):
    """The current value of an argument: converted, with inferred hints."""
    return getattr(operator, "_" + name, operator._arguments[name])


def _static(value):
    if isinstance(value, (Tensor, Variable)):
        value = get_static_value(value)
        return None if value is None else value.tolist()
    return value


def _spec(value):
    if isinstance(value, (list, tuple)):
        parts = [_spec(v) for v in value]
        return parts if parts and all(p is not None for p in parts) else None
    if isinstance(value, (Tensor, Variable)) or is_tensor_like(value):
        return TensorSpec(value.shape, value.dtype)
    return getattr(value, "_type_spec", None)


def sliced(operator, slices):
    """The operator whose arguments are those of `operator`, each sliced in its batch axes."""
    slices = slices if isinstance(slices, tuple) else (slices,)
    arguments = operator.parameters
    for name in operator._matrix_axes:
        value = getattr(operator, "_" + name, arguments[name])
        if value is not None:
            arguments[name] = _sliced(operator, value, operator._matrix_axes[name], slices)
    return type(operator)(**arguments)


def _sliced(operator, value, axes, slices):
    if isinstance(value, (list, tuple)):
        return [_sliced(operator, v, axes, slices) for v in value]
    if hasattr(value, "matmul"):
        return sliced(_with_batch(value, operator), slices)
    value = shapes.read(value)
    batch, full = operator._shape_vector()[:-2], shapes.vector(value)
    end = full[len(value.shape) - axes :]
    whole = raw.BroadcastTo(input=value, shape=shapes.joined(batch, end))
    if Ellipsis not in slices:
        slices = (*slices, Ellipsis)
    return whole[(*slices, *[slice(None)] * axes)]


def _with_batch(part, whole):
    """`part` broadcast to the number of batch axes of `whole`."""
    if part.batch_shape.as_list() == whole.batch_shape.as_list():
        return part
    batch, arguments = whole._shape_vector()[:-2], part.parameters
    for name, axes in part._matrix_axes.items():
        value = getattr(part, "_" + name, arguments[name])
        if value is None:
            continue
        if isinstance(value, (list, tuple)):
            arguments[name] = [_with_batch(v, whole) for v in value]
        elif hasattr(value, "matmul"):
            arguments[name] = _with_batch(value, whole)
        else:
            value = shapes.read(value)
            end = shapes.vector(value)[len(value.shape) - axes :]
            arguments[name] = raw.BroadcastTo(input=value, shape=shapes.joined(batch, end))
    return type(part)(**arguments)


def make_composite_tensor(cls, module_name="tf.linalg"):
    """Returns the class unchanged: operator classes get their spec class when they are defined."""
    del module_name
    return cls
