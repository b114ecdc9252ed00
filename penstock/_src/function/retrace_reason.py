"""Reasons of retracing: the parameters that differ from the last trace in values, dtypes or shapes, and advice."""

from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor

# The arguments of a call: (name, description) of each parameter (trace_type.py), and the specs of their tensors.
Arguments = tuple[Sequence[tuple[str, Any]], Sequence[TensorSpec]]

_NUMBERS = (int, float, complex, bool)
_OTHER = "pass the same object again, or make it a tensor"


def changes(before: Arguments, now: Arguments) -> str:
    """Returns what changed between two calls, by parameter, with the remedy; an empty string if nothing did."""
    remedies: list[str] = []
    described = []
    old, new = dict(_by_parameter(*before)), dict(_by_parameter(*now))
    for name, (description, specs) in new.items():
        if name not in old:
            described.append(f"parameter '{name}' is new")
        elif old[name] != (description, specs):
            change, remedy = _change(*old[name], description, specs)
            described.append(f"parameter '{name}': {change}")
            if remedy not in remedies:
                remedies.append(remedy)
    return "; ".join(described) + (f" ({', '.join(remedies)})" if remedies else "")


def _by_parameter(
    structure: Sequence[tuple[str, Any]], specs: Sequence[TensorSpec]
) -> Iterator[tuple[str, tuple[Any, list[TensorSpec]]]]:
    """Yield the name of each parameter with its description and the specs of its tensors, as far as they can be distinguished."""
    remaining = iter(specs)
    for name, description in structure:
        count = _tensors_in(description)
        yield name, (description, [spec for spec, _ in zip(remaining, range(count))])


def _tensors_in(description: Any) -> int:
    if description is Tensor:
        return 1
    return sum(map(_tensors_in, description)) if isinstance(description, tuple) else 0


def _change(before: Any, old: list[TensorSpec], now: Any, new: list[TensorSpec]) -> tuple[str, str]:
    """Returns how an argument changed, and the remedy."""
    if before == now:
        for was, current in zip(old, new):
            if was.dtype is not current.dtype:
                return (
                    f"dtype {was.dtype.name} became {current.dtype.name}",
                    "cast it to one dtype before the call",
                )
            if was.shape._dims != current.shape._dims:
                return (
                    f"shape {was.shape} became {current.shape}",
                    "use reduce_retracing=True, or an input_signature with None for sizes that vary",
                )
    value = _value_of(now)
    if _value_of(before) is not None and value is not None:
        remedy = _OTHER
        if isinstance(value[0], _NUMBERS):
            remedy = f"pass a number that changes as a tensor: tf.constant({value[0]!r})"
        return f"{_value_of(before)[0]!r} became {value[0]!r}", remedy  # type: ignore[index]
    return f"{_kind(before)} became {_kind(now)}", _OTHER


def _value_of(description: Any) -> tuple[Any] | None:
    """Returns the value of a Python number, string or None from its description, in a tuple."""
    if isinstance(description, tuple) and len(description) in (2, 3):
        kind, value = description[:2]
        if isinstance(kind, type) and type(value) is kind:
            return (value,)
    return None


def _kind(description: Any) -> str:
    """Returns the kind of value that a description stands for, in a word."""
    value = _value_of(description)
    if value is not None:
        return repr(value[0])
    if description is Tensor:
        return "a tensor"
    kind = description[0] if isinstance(description, tuple) and description else description
    return f"another {kind.__name__}" if isinstance(kind, type) else "another object"
