"""The TypeSpec of an operator: specs of the tensors it is made of, and its other arguments."""

from __future__ import annotations

from penstock._src.core.convert import is_tensor_like
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.static_values import get_static_value

_SHAPES = ("num_rows", "num_columns", "batch_shape")


class LinearOperatorSpec(TypeSpec):
    """The type of an operator: `components` are specs by argument, `rest` the other arguments."""

    operator_class: type

    def __init__(self, components, rest, static=()):
        self._components, self._rest, self._static = components, rest, tuple(static)

    @property
    def value_type(self):
        """The class of the operators."""
        return self.operator_class

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
    """The class of specs of a class of operators."""
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
    """The argument as the operator holds it now: converted, hints completed."""
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
