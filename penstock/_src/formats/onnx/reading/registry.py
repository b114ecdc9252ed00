"""The table of operators that are read by functions of their own: `@reads` registers one.

    @reads("Gemm")
    def _gemm(n: Node, a, b, c=None): ...

The function gets the node (its attributes, the version of the operator set) and its inputs, None for one that is left out,
and returns the output or a tuple of outputs.
"""

import inspect
import os
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from penstock._src.core.errors import InvalidArgumentError, UnimplementedError
from penstock._src.formats.onnx.arrays import array_of
from penstock._src.formats.onnx.schema import ATTRIBUTE_FIELDS

_UNSET = object()


@dataclass(frozen=True)
class Reader:
    """The reader of an operator.

    Attributes:
      build: the function of a Node and its inputs.
      least, most: numbers of inputs; `most` is None if there may be any number.
      settings: positions of inputs that configure the operator: weights there stay constants.
      optional: positions of inputs that may be left out although others that must be given follow.
    """

    build: Callable[..., Any]
    least: int
    most: int | None
    settings: tuple[int, ...]
    optional: tuple[int, ...] = ()


MICROSOFT = "com.microsoft"  # the domain of ONNX Runtime's own operators
READERS: dict[tuple[str, str], Reader] = {}  # by domain and name of the operator


def reads(
    *names: str, domain: str = "", settings: Sequence[int] = (), optional: Sequence[int] = ()
) -> Callable[[Any], Any]:
    """Registers a function as the reader of operators.

    Args:
      *names: of the operators.
      domain: theirs; empty is ONNX's own.
      settings: positions of inputs that configure the operator, which training leaves alone.
      optional: positions of inputs that may be left out although others that must be given follow.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        add_reader(names, function, domain, settings, optional)
        return function

    return register


def add_reader(
    names: Sequence[str],
    function: Callable[..., Any],
    domain: str,
    settings: Sequence[int],
    optional: Sequence[int] = (),
) -> None:
    """Registers the function of operators; its parameters after the node are the inputs."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    plain = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    least = sum(p.default is p.empty for p in plain)
    most = None if len(plain) < len(parameters) else len(plain)
    for name in names:
        READERS[domain, name] = Reader(function, least, most, tuple(settings), tuple(optional))


def load_readers() -> None:
    """Imports every file of `ops/`, each of which registers its readers."""
    prefix = f"{__package__}.ops"
    folder = os.path.join(os.path.dirname(__file__), "ops")
    for module in pkgutil.walk_packages([folder], f"{prefix}."):
        import_module(module.name)


class Node:
    """A node that is being read.

    Args:
      proto: its message.
      version: of the operator set that it is from.
      translation: reads its subgraphs, and knows what surrounds it.
    """

    def __init__(self, proto: Any, version: int, translation: Any) -> None:
        self.proto, self.version, self.translation = proto, version, translation
        self.op_type: str = proto.op_type
        self._attributes = {a.name: a for a in proto.attribute}

    @property
    def outputs(self) -> list[str]:
        """The names of outputs; empty for an unused one."""
        return list(self.proto.output)

    def wants(self, index: int) -> bool:
        """True if there is an output of this index."""
        return index < len(self.proto.output) and bool(self.proto.output[index])

    def has(self, name: str) -> bool:
        """True if the attribute is given."""
        return name in self._attributes

    def attr(self, name: str, default: Any = _UNSET) -> Any:
        """Returns an attribute: a number, text, a list of them, an array or a GraphProto.

        Raises:
          InvalidArgumentError: it is missing and no default is given.
        """
        proto = self._attributes.get(name)
        if proto is None:
            if default is _UNSET:
                raise InvalidArgumentError(f"the attribute '{name}' is missing.")
            return default
        return attribute_value(proto, self.translation.path, default)

    def flag(self, name: str, default: int = 0) -> bool:
        """Returns an attribute that is 0 or 1."""
        return bool(self.attr(name, default))

    def only(self, **values: Any) -> None:
        """Refuses other values of attributes than these, which are their defaults.

        Raises:
          UnimplementedError: an attribute has another value.
        """
        for name, value in values.items():
            actual = self.attr(name, value)
            if actual != value:
                raise UnimplementedError(f"{name}={actual} is not supported; it is {value}.")

    def subgraph(self, name: str) -> Callable[..., list[Any]]:
        """Returns the function that builds the subgraph in an attribute, of its inputs' values."""
        proto = self.attr(name)
        return lambda *values: self.translation.subgraph(proto, values)


def attribute_value(proto: Any, path: str, default: Any = _UNSET) -> Any:
    """The value of an AttributeProto, of the kind that the operator's default has, if there is one.

    Raises:
      InvalidArgumentError: it has no valid type, or another one than the operator needs.
    """
    field = ATTRIBUTE_FIELDS.get(proto.type) or _guessed_field(proto)
    value = getattr(proto, field)
    value = _python_value(field, value, path)
    expected = default if default is not _UNSET and default is not None else None
    if isinstance(expected, float) and isinstance(value, int):
        return float(value)
    if expected is not None and type(value) is not type(expected):
        if not (isinstance(expected, (list, tuple)) and isinstance(value, list)):
            raise InvalidArgumentError(
                f"the attribute '{proto.name}' must be a {type(expected).__name__}. "
                f"Received: {type(value).__name__}"
            )
    return value


def _python_value(field: str, value: Any, path: str) -> Any:
    if field == "s":
        return value.decode("utf-8", "replace")
    if field == "strings":
        return [v.decode("utf-8", "replace") for v in value]
    if field in ("floats", "ints", "graphs"):
        return list(value)
    if field == "t":
        return array_of(value, path)
    if field == "tensors":
        return [array_of(t, path) for t in value]
    return value


def _guessed_field(proto: Any) -> str:
    """The field that is set; files of the first version do not contain the type."""
    for field in ATTRIBUTE_FIELDS.values():
        descriptor = proto.DESCRIPTOR.fields_by_name[field]
        if descriptor.has_presence:
            filled = proto.HasField(field)
        else:
            filled = bool(getattr(proto, field))
        if filled:
            return field
    raise InvalidArgumentError(f"the attribute '{proto.name}' has no value.")
