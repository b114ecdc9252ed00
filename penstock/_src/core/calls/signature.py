"""The grammar of op signatures: "a: T, values: N * T, rest: *Tlist, shape: int32 -> output: T".

x: T          one tensor of dtype T, an attribute
x: int32      one tensor of this dtype
x: N * T      a list of N tensors of dtype T
x: *T         a list of tensors whose dtypes are the list attribute T
x: Ref(T)     a reference to a v1 variable

The text may go over several lines. An output's type may be followed by its shape; where all are, the op needs no other
shape rule:

y: T[]        a scalar
y: T[?, 2]    a matrix of two columns and any number of rows
y: T[x]       the shape of input x
y: T[a & b]   the shape that inputs a and b both have
y: T[a | b]   the shape to which inputs a and b broadcast
y: T[*dims]   the shape that input `dims` holds as a vector
y: T[...]     nothing is known
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock._src.core.dtypes import TYPES, DType
from penstock._src.core.shapes import SCALAR, UNKNOWN, TensorShape, broadcast_shapes

ARGUMENT = re.compile(
    r"^(?P<name>\w+)\s*:\s*(?:(?P<star>\*)|(?P<number>\w+)\s*\*)?\s*(?P<ref>Ref\()?(?P<type>\w+)\)?"
    r"(?:\[(?P<shape>[^]]*)\])?$"
)
SEPARATOR = re.compile(r",(?![^[]*\])")  # a comma outside of brackets


@dataclass(frozen=True)
class Argument:
    """One input or output.

    Exactly one of `dtype` (fixed), `type_attr` and `type_list_attr` is set; with `number_attr` it
    is a list of tensors of equal dtype.
    """

    name: str
    dtype: DType | None = None
    type_attr: str | None = None
    number_attr: str | None = None
    type_list_attr: str | None = None
    is_ref: bool = False
    shape: str | None = None

    @property
    def is_list(self) -> bool:
        """Whether a list of tensors is passed."""
        return self.number_attr is not None or self.type_list_attr is not None


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of an op, in order."""

    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]

    def shape_rule(self) -> Callable[..., Any] | None:
        """Returns the shape rule that the outputs state, None if one of them states no shape."""
        texts = [argument.shape for argument in self.outputs]
        if None in texts:
            return None
        rules = [self._shape_of_output(str(text)) for text in texts]
        if len(rules) == 1:
            (only,) = rules
            return lambda self, *inputs: only(inputs)
        return lambda self, *inputs: tuple(rule(inputs) for rule in rules)

    def _shape_of_output(self, text: str) -> Callable[[tuple[Any, ...]], Any]:
        """Returns the function from the shapes of the inputs to that of an output."""
        positions = {argument.name: n for n, argument in enumerate(self.inputs)}
        if text in positions:
            position = positions[text]
            return lambda inputs: inputs[position]
        for sign, combine in (("&", _merged), ("|", broadcast_shapes)):
            if sign in text:
                first, second = (positions[name.strip()] for name in text.split(sign))
                return lambda inputs: combine(inputs[first], inputs[second])
        if text.startswith("*"):
            position = positions[text[1:]]
            return lambda inputs: inputs[position].as_shape()
        shape = _fixed_shape(text)
        return lambda inputs: shape


def _merged(first: TensorShape, second: TensorShape) -> TensorShape:
    return first.merge_with(second)


def _fixed_shape(text: str) -> TensorShape:
    if text == "...":
        return UNKNOWN
    sizes = [size.strip() for size in text.split(",")] if text else []
    return TensorShape([None if size == "?" else int(size) for size in sizes]) if sizes else SCALAR


def parse(text: str) -> Signature:
    """Returns the Signature that the text describes.

    Raises:
      ValueError: the text is not a valid signature.
    """
    left, arrow, right = text.partition("->")
    if not arrow:
        raise ValueError(f"A signature has inputs -> outputs. Received '{text}'.")
    return Signature(_arguments(left), _arguments(right))


def _arguments(text: str) -> tuple[Argument, ...]:
    parts = [part.strip() for part in SEPARATOR.split(text)]
    return tuple(_argument(part) for part in parts if part)


def _argument(text: str) -> Argument:
    match = ARGUMENT.match(text)
    if match is None:
        raise ValueError(f"Not an argument of a signature: '{text}'.")
    name, kind, number = match["name"], match["type"], match["number"]
    is_ref, shape = match["ref"] is not None, match["shape"]
    if match["star"]:
        return Argument(name, type_list_attr=kind, is_ref=is_ref, shape=shape)
    if kind in TYPES:
        return Argument(name, dtype=TYPES[kind], number_attr=number, is_ref=is_ref, shape=shape)
    return Argument(name, type_attr=kind, number_attr=number, is_ref=is_ref, shape=shape)
