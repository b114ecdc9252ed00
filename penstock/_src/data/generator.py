"""Dataset.from_generator: elements that a Python generator yields."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.specs import TensorSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.eager.context import init_scope
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.data.pipeline import Element
from penstock._src.ops.data.source import GeneratorPipeline
from penstock._src.util import nest

_CODES = {
    TypeError: errors.InvalidArgumentError,
    ValueError: errors.InvalidArgumentError,
    MemoryError: errors.ResourceExhaustedError,
    NotImplementedError: errors.UnimplementedError,
}


def from_generator(generator: Callable[..., Any], spec: Any, args: Any) -> EagerTensor:
    """The variant of a dataset of the elements of `generator(*args)`."""
    if not callable(generator):
        raise TypeError("`generator` must be a Python callable.")
    arguments = tuple(_numpy(convert_to_tensor(arg)) for arg in nest.flatten(args or ()))
    read = _reader(spec)

    def make() -> Iterator[Element]:
        source = _iterator(generator, arguments)
        while True:
            try:
                values = next(source)
            except StopIteration:
                return
            except Exception as error:
                raise _translated(error) from error
            yield read(values)

    made = GeneratorPipeline(make)
    made.types = tuple(structure.flat_types(spec))
    made.shapes = tuple(structure.flat_shapes(spec))
    return EagerTensor(made, dtypes.variant)


def _iterator(generator: Callable[..., Any], arguments: tuple[Any, ...]) -> Iterator[Any]:
    try:
        return iter(generator(*arguments))
    except Exception as error:
        raise _translated(error) from error


def _translated(error: Exception) -> Exception:
    if isinstance(error, errors.OpError):
        return error
    kind = next((made for raised, made in _CODES.items() if isinstance(error, raised)), None)
    return (kind or errors.UnknownError)(f"{type(error).__name__}: {error}")


def _numpy(tensor: Any) -> Any:
    if not isinstance(tensor, EagerTensor):
        raise errors.UnimplementedError(
            "Dataset.from_generator: `args` that are only known when a function runs are not "
            "supported."
        )
    return tensor.numpy()


def _reader(spec: Any) -> Callable[[Any], Element]:
    """Returns a function from yielded values to host values."""
    leaves = nest.flatten(spec)

    def read(values: Any) -> Element:
        try:
            flat = structure._flatten_like(spec, values)
        except (TypeError, ValueError) as error:
            raise _mismatch(spec, values) from error
        held: list[Any] = []
        for leaf, value in zip(leaves, flat):
            if isinstance(leaf, TensorSpec):
                held.append(_host_value(leaf, value, spec, values))
            else:
                with init_scope():
                    parts: Sequence[Any] = structure.to_tensors(leaf, value)
                    held.extend(part._value for part in parts)
        return tuple(held)

    return read


def _host_value(leaf: TensorSpec, value: Any, spec: Any, values: Any) -> Any:
    try:
        if leaf.dtype.is_numpy_compatible and leaf.dtype != dtypes.string:
            value = value if isinstance(value, Tensor) else np.asarray(value, leaf.dtype.np)
        with init_scope():
            tensor: Any = convert_to_tensor(value, dtype=leaf.dtype)
    except (TypeError, ValueError) as error:
        raise _mismatch(spec, values) from error
    if not leaf.shape.is_compatible_with(tensor.shape):
        raise errors.InvalidArgumentError(
            f"TypeError: `generator` yielded an element of shape {tensor.shape} where an element "
            f"of shape {leaf.shape} was expected."
        )
    return tensor._value


def _mismatch(spec: Any, values: Any) -> Exception:
    return errors.InvalidArgumentError(
        "TypeError: `generator` yielded an element that did not match the expected structure. The "
        f"expected structure was {spec}, but the yielded element was {values}."
    )
