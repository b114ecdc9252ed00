"""The operands of a layer as a form, which like layers share, and what these read from outside of a graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Any

from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable


class Operands:
    """Operands, taken apart.

    Args:
      value: tensors, variables, numbers and texts in dataclasses and sequences.

    Attributes:
      outer: the tensors, and the handles of the variables.
      variables: these.
      form: all of the rest, with types and shapes of tensors and variables.
    """

    def __init__(self, value: Any) -> None:
        self.outer: list[Any] = []
        self.variables: list[ResourceVariable] = []
        self.form = self._form_of(value)

    def _form_of(self, value: Any) -> Hashable:
        if type(value) is EagerTensor:
            self.outer.append(value)
            return "tensor", value.dtype, value.shape._dims
        if type(value) is ResourceVariable:
            self.variables.append(value)
            self.outer.append(value.handle)
            return "variable", value.dtype, value.shape._dims, value.trainable
        if isinstance(value, tuple | list):
            return type(value), *map(self._form_of, value)
        if dataclasses.is_dataclass(value):
            fields = dataclasses.fields(value)
            return type(value), *(self._form_of(getattr(value, each.name)) for each in fields)
        if value is None or isinstance(value, str | int | float):
            return type(value), value
        return object()  # like no other
