"""Dataset.from_generator: elements that a Python generator yields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes, errors
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.data import structure
from penstock._src.eager.context import init_scope
from penstock._src.eager.tensor import EagerTensor
from penstock._src.ops.control.python_call import calling, register
from penstock._src.ops.data.iteration.resume import Failure, unless_failed
from penstock._src.ops.data.pipeline import Element, Pipeline
from penstock._src.ops.data.source import GeneratorPipeline
from penstock._src.util import nest


def from_generator(generator: Callable[..., Any], spec: Any, args: Any, name: str | None) -> Any:
    """The variant of a dataset of the elements of `generator(*args)`."""
    if not callable(generator):
        raise TypeError("`generator` must be a Python callable.")
    types, shapes = tuple(structure.flat_types(spec)), tuple(structure.flat_shapes(spec))
    read = _reader(spec)

    def dataset(*arguments: Any) -> GeneratorPipeline:
        # as scalars: arrays without axes cannot be keys of dicts
        scalars = tuple(a[()] if isinstance(a, np.ndarray) else a for a in arguments)
        pipeline = GeneratorPipeline(lambda: _Elements(generator, scalars, read))
        pipeline.types, pipeline.shapes = types, shapes
        return pipeline

    return from_host(dataset, [convert_to_tensor(arg) for arg in args or ()], name)


def from_host(dataset: Callable[..., Pipeline], tensors: Sequence[Any], name: str | None) -> Any:
    """The variant of the dataset that `dataset` creates from the host values of tensors; in graphs at run time."""
    if STATE.graph is None:
        return EagerTensor(dataset(*(_numpy(t) for t in tensors)), dtypes.variant)
    token, callback = register(dataset)
    (variant,) = raw.PyFunc(input=tensors, token=token, Tout=[dtypes.variant], name=name)
    variant.set_shape([])
    variant.op.python_function = callback  # keeps the function as long as the operation
    return variant


def _numpy(tensor: Any) -> Any:
    return tensor.numpy()


class _Elements:
    """Iterates over the elements that a generator yields; continues after an error in one."""

    def __init__(
        self, generator: Callable[..., Any], arguments: tuple[Any, ...], read: Callable[[Any], Any]
    ) -> None:
        self.source: Any = None
        self.begin: Any = lambda: iter(generator(*arguments))
        self.read = read

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        if self.source is None:
            if self.begin is None:
                raise StopIteration
            self.source, self.begin = calling(self.begin), None
        try:
            values = next(self.source)
        except StopIteration:
            self.close()
            raise
        except Exception as error:
            return calling(unless_failed, Failure(error))
        return self.read(values)

    def close(self) -> None:
        """Releases the generator."""
        self.source = self.begin = None


def _reader(spec: Any) -> Callable[[Any], Element]:
    """Returns a function from yielded values to host values."""
    leaves = nest.flatten(spec)

    def read(values: Any) -> Element:
        if not _has_structure(spec, values):
            raise _mismatch(spec, values)
        flat = structure.flatten_like(spec, values)
        components: list[Any] = []
        for leaf, value in zip(leaves, flat):
            if isinstance(leaf, TensorSpec):
                components.append(_host_value(leaf, value, spec, values))
            else:
                with init_scope():
                    parts: Sequence[Any] = structure.to_tensors(leaf, value)
                    components.extend(part._value for part in parts)
        return tuple(components)

    return read


def _has_structure(spec: Any, values: Any) -> bool:
    """True if the value has the types, lengths and keys of the spec's structure; a list is a leaf."""
    parts = nest.children(spec)
    if parts is None:
        return True
    if isinstance(spec, Mapping):
        if not isinstance(values, Mapping) or values.keys() != spec.keys():
            return False
    elif not isinstance(values, type(spec)):
        return False
    children = nest.children(values)
    return (
        children is not None
        and len(children) == len(parts)
        and all(map(_has_structure, parts, children))
    )


def _host_value(leaf: TensorSpec, value: Any, spec: Any, values: Any) -> Any:
    try:
        is_number = leaf.dtype.is_numpy_compatible and leaf.dtype != dtypes.string
        # NumPy casts to a declared rank; where no shape is declared, only NumPy's own values are cast.
        casts = leaf.shape.rank is not None or isinstance(value, (np.ndarray, np.generic))
        if is_number and casts and not isinstance(value, Tensor):
            value = _cast(value, leaf.dtype)
        with init_scope():
            tensor: Any = convert_to_tensor(value, dtype=leaf.dtype)
    except (TypeError, ValueError) as error:
        if leaf.shape.rank is None:
            raise _mismatch(spec, values) from error
        raise errors.InvalidArgumentError(
            "TypeError: `generator` yielded an element that could not be converted to the expected "
            f"type. The expected type was {leaf.dtype.name}, but the yielded element was {value}."
        ) from error
    if not leaf.shape.is_compatible_with(tensor.shape):
        raise errors.InvalidArgumentError(
            f"TypeError: `generator` yielded an element of shape {tensor.shape} where an element "
            f"of shape {leaf.shape} was expected."
        )
    return tensor._value


def _cast(value: Any, dtype: dtypes.DType) -> np.ndarray:
    """The value as NumPy casts it; integers that are out of range wrap around."""
    try:
        return np.asarray(value, dtype.np)
    except OverflowError:
        return np.asarray(value).astype(dtype.np)


def _mismatch(spec: Any, values: Any) -> Exception:
    return errors.InvalidArgumentError(
        "TypeError: `generator` yielded an element that did not match the expected structure. The "
        f"expected structure was {spec}, but the yielded element was {values}."
    )


def generator_spec(types: Any, shapes: Any, signature: Any) -> Any:
    """Return the structure of specs from the arguments of `Dataset.from_generator`.

    Raises:
      TypeError: there is neither a signature nor types, or both, or one has a wrong form.
    """
    if signature is not None:
        if types is not None:
            raise TypeError(
                "The `output_types` argument can not be used together with the `output_signature` "
                "argument."
            )
        if shapes is not None:
            raise TypeError(
                "The `output_shapes` argument can not be used together with the `output_signature` "
                "argument."
            )
        for spec in nest.flatten(signature):
            if not isinstance(spec, TypeSpec):
                raise TypeError(
                    "`output_signature` must contain objects that are subclass of `tf.TypeSpec` "
                    f"but found {type(spec)} which is not."
                )
        return signature
    if types is None:
        raise TypeError(
            "Either the `output_signature` or `output_types` argument must be specified."
        )
    kinds = structure.map_leaves(dtypes.as_dtype, types)
    leaves = nest.flatten(kinds)
    if shapes is None:
        known = [TensorShape(None)] * len(leaves)
    else:
        known = [as_shape(shape) for shape in _shapes_like(kinds, shapes)]
    specs = [TensorSpec(shape, dtype) for shape, dtype in zip(known, leaves)]
    return nest.pack_sequence_as(kinds, specs)


def _shapes_like(kinds: Any, shapes: Any) -> list[Any]:
    children = nest.children(kinds)
    if children is None:
        return [shapes]
    parts = [shapes[key] for key in sorted(kinds)] if isinstance(kinds, dict) else list(shapes)
    return [leaf for kind, part in zip(children, parts) for leaf in _shapes_like(kind, part)]
