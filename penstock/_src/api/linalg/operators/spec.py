"""The TypeSpec of an operator, made from the specs of its arguments."""

import numpy as np

from penstock._src.core import spec_names
from penstock._src.core.convert import is_tensor_like
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.eager.variable import Variable
from penstock._src.graph.static_values import get_static_value
from penstock._src.util.signatures import read_only

_OURS = __name__.rpartition(".")[0]
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
    kind = type(name, (LinearOperatorSpec,), {"operator_class": operator_class})
    if operator_class.__module__.startswith(_OURS):
        spec_names.register(f"tf.linalg.{name}")(kind)
    return kind


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
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _spec(value):
    if isinstance(value, (list, tuple)):
        parts = [_spec(v) for v in value]
        return parts if parts and all(p is not None for p in parts) else None
    if isinstance(value, (Tensor, Variable)) or is_tensor_like(value):
        return TensorSpec(value.shape, value.dtype)
    return getattr(value, "_type_spec", None)


def make_composite_tensor(cls, module_name="tf.linalg"):
    """Registers the spec class, which operator classes get when they are defined; returns the class."""
    spec_names.register(f"{module_name}.{cls._spec_class.__name__}")(cls._spec_class)
    return cls
