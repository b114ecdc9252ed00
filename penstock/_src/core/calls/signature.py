"""The one-line language of signatures: "a: T, values: N * T, rest: *Tlist, shape: int32 -> output: T".

x: T          one tensor of the type that attribute T holds
x: int32      one tensor of that very type
x: N * T      a list of N tensors of one type
x: *T         a list of tensors of the types that attribute T lists
x: Ref(T)     a reference to a v1 variable
"""

import re
from dataclasses import dataclass

from penstock._src.core.dtypes import TYPES, DType

ARGUMENT = re.compile(
    r"^(?P<name>\w+)\s*:\s*(?:(?P<star>\*)|(?P<number>\w+)\s*\*)?\s*(?P<ref>Ref\()?(?P<type>\w+)\)?$"
)


@dataclass(frozen=True)
class Argument:
    """One input or output.

    Exactly one of `dtype` (fixed), `type_attr` and `type_list_attr` is set; with `number_attr` it
    is a list of equal types.
    """

    name: str
    dtype: DType | None = None
    type_attr: str | None = None
    number_attr: str | None = None
    type_list_attr: str | None = None
    is_ref: bool = False

    @property
    def is_list(self) -> bool:
        """Whether a list of tensors is passed."""
        return self.number_attr is not None or self.type_list_attr is not None


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of an op, in order."""

    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]


def parse(text: str) -> Signature:
    """Returns the Signature that the text describes.

    Raises:
      ValueError: the text is not of the language.
    """
    left, arrow, right = text.partition("->")
    if not arrow:
        raise ValueError(f"A signature has inputs -> outputs. Received '{text}'.")
    return Signature(_arguments(left), _arguments(right))


def _arguments(text: str) -> tuple[Argument, ...]:
    parts = [part.strip() for part in text.split(",")]
    return tuple(_argument(part) for part in parts if part)


def _argument(text: str) -> Argument:
    match = ARGUMENT.match(text)
    if match is None:
        raise ValueError(f"Not an argument of a signature: '{text}'.")
    name, kind, number = match["name"], match["type"], match["number"]
    is_ref = match["ref"] is not None
    if match["star"]:
        return Argument(name, type_list_attr=kind, is_ref=is_ref)
    if kind in TYPES:
        return Argument(name, dtype=TYPES[kind], number_attr=number, is_ref=is_ref)
    return Argument(name, type_attr=kind, number_attr=number, is_ref=is_ref)
