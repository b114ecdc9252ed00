"""The grammar of op signatures: "a: T, values: N * T, rest: *Tlist, shape: int32 -> output: T".

x: T          one tensor of dtype T, an attribute
x: int32      one tensor of this dtype
x: N * T      a list of N tensors of dtype T
x: *T         a list of tensors whose dtypes are the list attribute T
x: Ref(T)     a reference to a v1 variable

The text may go over several lines. An output's type may be followed by its shape; where all are, the op needs no other
shape rule:

y: T[]             a scalar
y: T[?, 2]         a matrix of two columns and any number of rows
y: T[x]            the shape of input x
y: T[a & b]        the shape that inputs a and b both have
y: T[a | b]        the shape to which inputs a and b broadcast
y: T[*dims]        the shape that input or attribute `dims` holds; for a list, the shapes that the attribute holds
y: T[x[0], width]  the first size of input x, then the attribute `width`
y: T[rank(x)]      a vector, with an entry for each dimension of input x
y: T[...]          an unknown shape

An input's type may then be followed by as many sizes `?` as it has dimensions. `[]` is also checked when the op runs.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.core.dtypes import TYPES, DType
from penstock._src.core.shapes import SCALAR, UNKNOWN, TensorShape, broadcast_shapes
from penstock._src.util.dataclass import dataclass

ARGUMENT = re.compile(
    r"^(?P<name>\w+)\s*:\s*(?:(?P<star>\*)|(?P<number>\w+)\s*\*)?\s*(?P<ref>Ref\()?(?P<type>\w+)\)?"
    r"(?:\[(?P<shape>.*)\])?$"
)
SEPARATOR = re.compile(r",(?=\s*\w+\s*:)")  # a comma before the next argument


Rule = Callable[[Any, Sequence[Any]], Any]


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
    # The name in TensorFlow's definition of the op, after which graphs name constants made for it.
    defined_name: str = ""

    def __post_init__(self) -> None:
        if not self.defined_name:
            object.__setattr__(self, "defined_name", self.name)

    @property
    def is_list(self) -> bool:
        """True if a list of tensors is passed."""
        return self.number_attr is not None or self.type_list_attr is not None


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of an op, in order."""

    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]

    def shape_rule(self) -> Callable[..., Any] | None:
        """Returns the shape rule that the outputs state, None if one of them states no shape."""
        if any(argument.shape is None for argument in self.outputs):
            return None
        rules = [self._shape_of_output(argument) for argument in self.outputs]
        ranks = [None if a.shape is None else len(_sizes(a.shape)) for a in self.inputs]
        if any(rank is not None for rank in ranks):
            return lambda op, *inputs: _results(rules, op, _ranked(inputs, ranks))
        if len(rules) == 1:
            (only,) = rules
            return lambda op, *inputs: only(op, inputs)
        return lambda op, *inputs: _results(rules, op, inputs)

    def _shape_of_output(self, argument: Argument) -> Rule:
        """Returns the function from an op and the shapes of its inputs to the shape of an output."""
        positions = {argument.name: n for n, argument in enumerate(self.inputs)}
        text = str(argument.shape)
        if text in positions:
            position = positions[text]
            return lambda op, inputs: inputs[position]
        for sign, combine in (("&", _merged), ("|", broadcast_shapes)):
            if sign in text:
                first, second = (positions[name.strip()] for name in text.split(sign))
                return lambda op, inputs: combine(inputs[first], inputs[second])
        if text.startswith("*"):
            name = text[1:]
            if name not in positions:
                return lambda op, inputs: op.attrs[name]
            position = positions[name]
            return lambda op, inputs: inputs[position].as_shape()
        if text == "...":
            return _for_each(argument, lambda op, inputs: UNKNOWN)
        sizes = [_size(size, positions) for size in _sizes(text)]
        if all(size is None or isinstance(size, int) for size in sizes):
            fixed = TensorShape(sizes) if sizes else SCALAR
            return _for_each(argument, lambda op, inputs: fixed)
        return _for_each(
            argument,
            lambda op, inputs: TensorShape([s(op, inputs) if callable(s) else s for s in sizes]),
        )


def _results(rules: list[Rule], op: Any, inputs: Sequence[Any]) -> Any:
    results = tuple(rule(op, inputs) for rule in rules)
    return results[0] if len(results) == 1 else results


def _ranked(inputs: Sequence[Any], ranks: list[int | None]) -> list[Any]:
    """Returns the shapes of the inputs, with the ranks that they must have.

    Raises:
      ValueError: one has another rank.
    """
    return [x if rank is None else x.with_rank(rank) for x, rank in zip(inputs, ranks, strict=True)]


def _for_each(argument: Argument, rule: Rule) -> Rule:
    """Returns the rule of an output, with the same shape for each tensor of a list."""
    counted, listed = argument.number_attr, argument.type_list_attr
    if counted is not None:
        return lambda op, inputs: [rule(op, inputs)] * op.attrs[counted]
    if listed is not None:
        return lambda op, inputs: [rule(op, inputs)] * len(op.attrs[listed])
    return rule


def _sizes(text: str) -> list[str]:
    return [size.strip() for size in text.split(",")] if text else []


def _size(text: str, positions: dict[str, int]) -> Any:
    """Returns a size: None, a number, or a function of the op and the shapes of its inputs."""
    if text == "?":
        return None
    if text.isdigit():
        return int(text)
    if text.startswith("rank("):
        whole = positions[text[5:-1]]
        return lambda op, inputs: inputs[whole].rank
    name, _, axis = text.rstrip("]").partition("[")
    if not axis:
        return lambda op, inputs: op.attrs[name]
    position, index = positions[name], int(axis)
    return lambda op, inputs: inputs[position][index]


def _merged(first: TensorShape, second: TensorShape) -> TensorShape:
    return first.merge_with(second)


def parse(text: str) -> Signature:
    """Returns the Signature that the text describes.

    Raises:
      ValueError: the text is not a valid signature.
    """
    left, arrow, right = " ".join(text.split()).partition("->")
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
