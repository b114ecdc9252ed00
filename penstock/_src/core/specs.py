"""TypeSpec: the type of a value that consists of tensors; TensorSpec: the type of one tensor."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dtypes import DType, as_dtype
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.arrays import dtype_of_arrays
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.lazy import resolve
from penstock._src.util.signatures import read_only

# Encodes types as protos; in a higher layer, so it is loaded on first use.
_CODER = "penstock._src.function.structured_values"


@export("TypeSpec", v1=["TypeSpec", "data.experimental.Structure"])
class TypeSpec:
    """The type of a value that tf.function and tf.data pass around as tensors.

    A subclass defines `value_type`, `_serialize`, `_component_specs`, `_to_components` and
    `_from_components`.
    """

    _is_composite = True

    @property
    def value_type(self) -> Any:
        """The class of the values."""
        raise NotImplementedError(f"{type(self).__name__}.value_type")

    def _serialize(self) -> tuple[Any, ...]:
        raise NotImplementedError(f"{type(self).__name__}._serialize")

    @property
    def _component_specs(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._component_specs")

    def _to_components(self, value: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._to_components")

    def _from_components(self, components: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}._from_components")

    @classmethod
    def _deserialize(cls, serialization: tuple[Any, ...]) -> "TypeSpec":
        return cls(*serialization)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """True if the value, or every value of the spec, has this type.

        Args:
          spec_or_value: a TypeSpec or a value.

        Returns:
          A bool.
        """
        other = spec_or_value
        if not isinstance(other, TypeSpec):
            other = spec_of_value(other, fail=False)
        return type(self) is type(other) and _compatible(self._serialize(), other._serialize())

    def is_subtype_of(self, other: Any) -> bool:
        """Returns True if every value of this type is of another type.

        Args:
          other: a type.

        Returns:
          A Python bool.
        """
        if type(self) is not type(other):
            return False
        return _subtype(self._serialize(), other._serialize())

    def most_specific_common_supertype(self, others: Sequence[Any]) -> "TypeSpec | None":
        """Returns the narrowest type that this one and others are subtypes of.

        Args:
          others: a list of types.

        Returns:
          A type, or None if there is none.
        """
        if any(type(self) is not type(other) for other in others):
            return None
        merged = _supertype(self._serialize(), [other._serialize() for other in others])
        return None if merged is None else self._deserialize(merged)

    def most_specific_compatible_type(self, other: "TypeSpec") -> "TypeSpec":
        """Returns the narrowest type that this and another are both of.

        Args:
          other: a type.

        Returns:
          A type.

        Raises:
          ValueError: there is none.
        """
        result = self.most_specific_common_supertype([other])
        if result is None:
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return result

    def _without_tensor_names(self) -> "TypeSpec":
        """Returns this type with the names of its tensors left out."""

        def unnamed(part: Any) -> Any:
            return part._without_tensor_names() if isinstance(part, TypeSpec) else part

        return self._deserialize(nest.map_structure(unnamed, self._serialize()))

    def _with_tensor_ranks_only(self) -> "TypeSpec":
        """Return this type with shapes reduced to their ranks; Keras 2 reads generators by it."""

        def of_rank(part: Any) -> Any:
            if isinstance(part, TypeSpec):
                return part._with_tensor_ranks_only()
            if isinstance(part, TensorShape) and part.rank is not None:
                return TensorShape([None] * part.rank)
            return part

        return self._deserialize(nest.map_structure(of_rank, self._serialize()))

    def experimental_as_proto(self) -> Any:
        """Returns the message of this type.

        Returns:
          A protocol buffer.
        """
        message = resolve(_CODER, "encode")(self)
        return getattr(message, message.WhichOneof("kind"))

    @classmethod
    def experimental_from_proto(cls, proto: Any) -> "TypeSpec":
        """Returns the type that a message describes.

        Args:
          proto: a message of the class that `experimental_type_proto` returns.

        Returns:
          A type.
        """
        return resolve(_CODER, "decode_spec")(proto)

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """Returns the class of messages of this type.

        Returns:
          A class of protocol buffers.
        """
        return resolve("penstock._src.proto.saved", "TypeSpecProto")

    # -- the TraceType protocol of tf.function

    def __tf_tracing_type__(self, context: Any) -> "TypeSpec":
        """Returns this type, which stands for its values in a signature."""
        return self

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Returns what stands for a value of this type while a function is traced.

        Args:
          placeholder_context: where it is made.

        Returns:
          A value of this type.
        """
        flat = [s.placeholder_value(placeholder_context) for s in self.flatten()]
        return self.from_tensors(iter(flat))

    def flatten(self) -> list["TensorSpec"]:
        """Returns the types of the tensors that a value of this type consists of.

        Returns:
          A list of types.
        """
        return [s for part in _parts(self._component_specs) for s in part.flatten()]

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensors that a value consists of.

        Args:
          value: a value of this type.

        Returns:
          A list of tensors.
        """
        components = _parts(self._to_components(value))
        specs = _parts(self._component_specs)
        return [t for s, c in zip(specs, components) for t in s.to_tensors(c)]

    _to_tensors = to_tensors

    def from_tensors(self, tensors: Any) -> Any:
        """Returns the value that tensors make up.

        Args:
          tensors: an iterator over tensors, of which this takes its own.

        Returns:
          A value of this type.
        """
        specs = self._component_specs
        parts = [s.from_tensors(tensors) for s in _parts(specs)]
        return self._from_components(_packed(specs, parts))

    _from_tensors = from_tensors

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Returns a value as one of this type.

        Args:
          value: the value.
          casting_context: how values may be converted.

        Returns:
          A value of this type.

        Raises:
          TypeError: the value is of another type.
        """
        return value

    _cast = cast

    @property
    def _flat_tensor_specs(self) -> list["TensorSpec"]:
        return self.flatten()

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return self.to_tensors(value)

    def _from_tensor_list(self, tensors: Sequence[Any]) -> Any:
        return self.from_tensors(iter(tensors))

    def _comparison_key(self) -> tuple[Any, ...]:
        """Returns a hashable value that is equal for equal types."""
        return type(self), _key(self._serialize())

    def __eq__(self, other: Any) -> bool:
        if self is other:
            return True
        return type(other) is type(self) and self._comparison_key() == other._comparison_key()

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._comparison_key())

    def __reduce__(self) -> Any:
        return type(self), self._serialize()

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._serialize()!r}"


def _parts(components: Any) -> list[Any]:
    if isinstance(components, (list, tuple)):
        return [leaf for part in components for leaf in _parts(part)]
    if isinstance(components, dict):
        return [leaf for key in sorted(components) for leaf in _parts(components[key])]
    return [components]


def _packed(form: Any, parts: list[Any]) -> Any:
    remaining = iter(parts)

    def build(node: Any) -> Any:
        if isinstance(node, tuple) and hasattr(node, "_fields"):
            return type(node)(*(build(n) for n in node))
        if isinstance(node, (list, tuple)):
            return type(node)(build(n) for n in node)
        if isinstance(node, dict):
            built = {key: build(node[key]) for key in sorted(node)}
            return {key: built[key] for key in node}
        return next(remaining)

    return build(form)


def _key(value: Any) -> Any:
    """A hashable form of a part of a serialization."""
    if isinstance(value, (list, tuple)):
        return tuple(_key(v) for v in value)
    if isinstance(value, dict):
        return tuple((k, _key(value[k])) for k in sorted(value))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, TensorShape):
        return ("shape", value._dims)
    return value


def _compatible(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(_compatible(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_compatible(a[k], b[k]) for k in a)
    if isinstance(a, (TypeSpec, TensorShape)) and isinstance(b, (TypeSpec, TensorShape)):
        return a.is_compatible_with(b)
    return bool(_key(a) == _key(b))


def _subtype(a: Any, b: Any) -> bool:
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(_subtype(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_subtype(a[k], b[k]) for k in a)
    if isinstance(a, (TypeSpec, TensorShape)):
        return a.is_subtype_of(b)
    return bool(_key(a) == _key(b))


def _supertype(a: Any, others: list[Any]) -> Any:
    if isinstance(a, tuple):
        if any(_form_of(o) != _form_of(a) for o in others):
            return None
        merged = [_supertype(x, list(rest)) for x, *rest in zip(a, *others)]
        if any(m is None and x is not None for m, x in zip(merged, a)):
            return None
        return type(a)(*merged) if hasattr(a, "_fields") else tuple(merged)
    if isinstance(a, dict):
        if any(not isinstance(o, dict) or o.keys() != a.keys() for o in others):
            return None
        merged = _supertype(tuple(a.values()), [tuple(o[key] for key in a) for o in others])
        return None if merged is None else dict(zip(a, merged, strict=True))
    if isinstance(a, (TypeSpec, TensorShape)):
        return a.most_specific_common_supertype(others)
    return a if all(_key(a) == _key(o) for o in others) else None


def _form_of(value: Any) -> Any:
    """Return the form of a tuple: the length, and of named tuples the name and the fields."""
    if not isinstance(value, tuple):
        return None
    return len(value), hasattr(value, "_fields") and (type(value).__name__, value._fields)


class BatchableTypeSpec(TypeSpec):
    """A type with values that can be batched and unbatched, as `tf.data` and `tf.map_fn` do."""

    # Turns values into others that can be batched, for types that are not batched as they are.
    __batch_encoder__: Any = None

    def _batch(self, batch_size: int | None) -> "BatchableTypeSpec":
        """Returns the type of a batch of `batch_size` values (None: any number)."""
        raise NotImplementedError(f"{type(self).__name__}._batch")

    def _unbatch(self) -> "BatchableTypeSpec":
        """Returns the type of one element of a batch of this type."""
        raise NotImplementedError(f"{type(self).__name__}._unbatch")

    @property
    def _flat_tensor_specs(self) -> list["TensorSpec"]:
        return [s for part in _parts(self._component_specs) for s in _flat_encoded(part)]

    def _to_tensor_list(self, value: Any) -> list[Any]:
        return self._encoded_components(value, 0)

    def _to_batched_tensor_list(self, value: Any) -> list[Any]:
        """The tensors of a value. Each of them can be unbatched.

        Raises:
          ValueError: one is a scalar.
        """
        tensors = self._encoded_components(value, 1)
        if any(tensor.shape.rank == 0 for tensor in tensors):
            raise ValueError(
                f"While converting {value} to a list of tensors for batching, found a scalar item "
                "which cannot be batched."
            )
        return tensors

    def _encoded_components(self, value: Any, minimum_rank: int) -> list[Any]:
        pairs = zip(_parts(self._component_specs), _parts(self._to_components(value)), strict=True)
        return [t for spec, part in pairs for t in _encoded(spec, part, minimum_rank)]

    def _from_tensor_list(self, tensors: Sequence[Any]) -> Any:
        """The value that tensors encode.

        Raises:
          ValueError: their number, shapes or dtypes are others.
        """
        expected = self._flat_tensor_specs
        if len(tensors) != len(expected):
            raise ValueError(
                f"{type(self).__name__}: a value has {len(expected)} tensors. Received {len(tensors)}."
            )
        for number, (tensor, spec) in enumerate(zip(tensors, expected, strict=True)):
            if not spec.is_compatible_with(tensor):
                raise ValueError(
                    f"{type(self).__name__}: tensor {number} of a value is {spec}. Received {tensor}."
                )
        return self._from_compatible_tensor_list(tensors)

    def _from_compatible_tensor_list(self, tensor_list: Sequence[Any]) -> Any:
        rest, specs = iter(tensor_list), self._component_specs
        return self._from_components(_packed(specs, [_decoded(s, rest) for s in _parts(specs)]))


def _flat_encoded(spec: Any) -> list["TensorSpec"]:
    """The types of the tensors that encode a component."""
    if isinstance(spec, TensorSpec):
        return [spec]
    encoder = getattr(spec, "__batch_encoder__", None)
    if encoder is None:
        return spec._flat_tensor_specs
    return [s for part in _parts(encoder.encoding_specs(spec)) for s in _flat_encoded(part)]


def _encoded(spec: Any, value: Any, minimum_rank: int) -> list[Any]:
    """The tensors that encode a component; with `minimum_rank` 1 each can be unbatched."""
    if isinstance(spec, TensorSpec):
        return [value]
    encoder = getattr(spec, "__batch_encoder__", None)
    if encoder is None:
        name = "_to_batched_tensor_list" if minimum_rank else "_to_tensor_list"
        return getattr(spec, name, spec._to_tensor_list)(value)
    specs, parts = encoder.encoding_specs(spec), encoder.encode(spec, value, minimum_rank)
    pairs = zip(_parts(specs), _parts(parts), strict=True)
    return [t for inner, part in pairs for t in _encoded(inner, part, minimum_rank)]


def _decoded(spec: Any, tensors: Iterator[Any]) -> Any:
    """The component that the next tensors encode."""
    if isinstance(spec, TensorSpec):
        return _of_shape(next(tensors), spec)
    encoder = getattr(spec, "__batch_encoder__", None)
    if encoder is None:
        return spec._from_tensor_list([next(tensors) for _ in spec._flat_tensor_specs])
    specs = encoder.encoding_specs(spec)
    return encoder.decode(spec, _packed(specs, [_decoded(s, tensors) for s in _parts(specs)]))


def _of_shape(tensor: Any, spec: "TensorSpec") -> Any:
    """The tensor; in a graph it gets what the type knows of its shape."""
    if isinstance(tensor, Tensor) and not tensor.shape.is_fully_defined():
        tensor.set_shape(spec.shape)
    return tensor


class DenseSpec(TypeSpec):
    """The shape, dtype and name of an object that acts as one dense tensor."""

    __slots__ = ("_shape", "_dtype", "_name")

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        self._shape = as_shape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    shape: TensorShape = read_only("_shape", "The static shape.")
    dtype: DType = read_only("_dtype", "The type of the elements.")
    name: str | None = read_only("_name", "The name of the argument, or None.")

    def _serialize(self) -> tuple[Any, ...]:
        return self._shape, self._dtype, self._name

    def __eq__(self, other: Any) -> bool:
        return (
            type(other) is type(self)
            and self._shape == other._shape
            and self._dtype is other._dtype
            and self._name == other._name
        )

    def __hash__(self) -> int:
        return hash((self._shape, self._dtype))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"


@export("TensorSpec")
class TensorSpec(DenseSpec, BatchableTypeSpec):
    """The shape and dtype of a tensor, such as an argument of a `tf.function`.

    Args:
      shape: a shape, in which None stands for any extent.
      dtype: the dtype.
      name: the name of the argument.

    >>> @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    ... def total(x):
    ...     return tf.reduce_sum(x)
    >>> total(tf.constant([1.0, 2.0])).numpy()
    np.float32(3.0)
    """

    __slots__ = ("_handle_data",)

    # A tensor spec is a leaf of structures.
    _is_composite = False

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        super().__init__(shape, dtype, name)
        self._handle_data: Any = None

    value_type = property(lambda _: Tensor, doc="tf.Tensor.")

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> "TensorSpec":
        """Returns a spec like another one.

        Args:
          spec: a `TensorSpec`, or another spec with shape and dtype.
          name: the name; by default that of `spec`.

        Returns:
          A `TensorSpec`.
        """
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> "TensorSpec":
        """Returns the spec of a tensor.

        Args:
          tensor: a tensor.
          name: the name; by default that of the tensor's operation, if it is symbolic.

        Returns:
          A `TensorSpec`.

        Raises:
          ValueError: `tensor` is not a tensor.
        """
        if not isinstance(tensor, Tensor):
            raise ValueError(f"`tensor` should be a tf.Tensor, but got type {type(tensor)}.")
        if name is None and not hasattr(tensor, "numpy"):
            operation = getattr(tensor, "op", None)
            name = None if operation is None else operation.name
        return cls(tensor.shape, tensor.dtype, name)

    @classmethod
    def experimental_type_proto(cls) -> Any:
        """Returns the class of messages of this type.

        Returns:
          A class of protocol buffers.
        """
        return resolve("penstock._src.proto.saved", "TensorSpecProto")

    def _without_tensor_names(self) -> "TensorSpec":
        return self if self.name is None else type(self)(self.shape, self.dtype)

    @property
    def _component_specs(self) -> "TensorSpec":
        return self

    def _to_components(self, value: Any) -> Any:
        return convert_to_tensor(value, dtype=self._dtype)

    def _from_components(self, components: Any) -> Any:
        return components

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """Returns True if a tensor, or tensors of a spec, could be of this type.

        Args:
          spec_or_tensor: a tensor or spec.

        Returns:
          A Python bool.
        """
        if not hasattr(spec_or_tensor, "dtype") or not hasattr(spec_or_tensor, "shape"):
            return False
        return self._dtype.is_compatible_with(
            spec_or_tensor.dtype
        ) and self._shape.is_compatible_with(spec_or_tensor.shape)

    def is_subtype_of(self, other: Any) -> bool:
        """Returns True if every value of this type is of another type.

        Args:
          other: a type.

        Returns:
          A Python bool.
        """
        return (
            isinstance(other, TensorSpec)
            and self._dtype is other._dtype
            and self._shape.is_subtype_of(other._shape)
            and (self._name is None or self._name == other._name)
        )

    def most_specific_common_supertype(self, others: Sequence[Any]) -> "TensorSpec | None":
        """Returns the narrowest type that this one and others are subtypes of.

        Args:
          others: a list of types.

        Returns:
          A type, or None if there is none.
        """
        shape = self._shape
        for other in others:
            if not isinstance(other, TensorSpec) or other._dtype is not self._dtype:
                return None
            if other._name != self._name:
                return None
            shape = shape.most_specific_compatible_shape(other._shape)
        return TensorSpec(shape, self._dtype, self._name)

    def flatten(self) -> list["TensorSpec"]:
        """Returns the types of the tensors that a value of this type consists of.

        Returns:
          A list of types.
        """
        return [self]

    def to_tensors(self, value: Any) -> list[Any]:
        """Returns the tensors that a value consists of.

        Args:
          value: a value of this type.

        Returns:
          A list of tensors.
        """
        return [convert_to_tensor(value, dtype=self._dtype)]

    _to_tensors = to_tensors

    def from_tensors(self, tensors: Any) -> Any:
        """Returns the value that tensors make up.

        Args:
          tensors: an iterator over tensors, of which this takes its own.

        Returns:
          A value of this type.
        """
        return next(tensors)

    _from_tensors = from_tensors

    def placeholder_value(self, placeholder_context: Any) -> Any:
        """Returns what stands for a value of this type while a function is traced.

        Args:
          placeholder_context: where it is made.

        Returns:
          A value of this type.
        """
        return placeholder_context.placeholder(self)

    def _graph_placeholder(self, graph: Any, name: str | None = None) -> Any:
        """Returns a placeholder in a graph; it has a name of the graph's if this one is invalid."""
        with graph.as_default():
            try:
                return raw.Placeholder(dtype=self._dtype, shape=self._shape, name=name)
            except ValueError:
                return raw.Placeholder(dtype=self._dtype, shape=self._shape)

    def cast(self, value: Any, casting_context: Any) -> Any:
        """Returns a value as one of this type.

        Args:
          value: the value.
          casting_context: how values may be converted.

        Returns:
          A value of this type.

        Raises:
          TypeError: the value is of another type.
        """
        tensor = value if isinstance(value, Tensor) else convert_to_tensor(value, self._dtype)
        if tensor.dtype is not self._dtype or not self._shape.is_compatible_with(tensor.shape):
            raise TypeError(f"Can not cast {TensorSpec(tensor.shape, tensor.dtype)!r} to {self!r}")
        return tensor

    _cast = cast

    def __reduce__(self) -> Any:
        return type(self), (self._shape, self._dtype, self._name)

    def _batch(self, batch_size: int | None) -> "TensorSpec":
        return TensorSpec(TensorShape([batch_size]).concatenate(self._shape), self._dtype)

    def _unbatch(self) -> "TensorSpec":
        if self._shape.rank == 0:
            raise ValueError(
                f"Unbatching a tensor is only supported for rank >= 1. Received a scalar of {self._dtype.name}."
            )
        return TensorSpec(self._shape[1:] if self._shape.rank else None, self._dtype)


# (class, value -> TypeSpec): converters for values that have no spec of their own.
_FROM_VALUE: list[tuple[type, Any]] = []


@export("__internal__.register_type_spec_from_value_converter", v1=[])
def register_type_spec_from_value_converter(
    type_object: type, converter_fn: Any, allow_subclass: bool = False
) -> None:
    """Registers a converter from values of a class to TypeSpecs.

    Args:
      type_object: the class; values of subclasses are converted as well.
      converter_fn: of a value; it returns a TypeSpec.
      allow_subclass: accepted.
    """
    _FROM_VALUE.append((type_object, converter_fn))


@export("type_spec_from_value")
def type_spec_from_value(value: Any) -> Any:
    """Returns the spec of a value.

    Args:
      value: a tensor, a composite tensor, a dataset or what converts to a tensor.

    Returns:
      A `TypeSpec`.

    Raises:
      TypeError: nothing describes the value.

    >>> tf.type_spec_from_value(tf.constant([1.0, 2.0]))
    TensorSpec(shape=(2,), dtype=tf.float32, name=None)
    """
    return spec_of_value(value)


def spec_of_value(value: Any, fail: bool = True) -> Any:
    """Returns the TypeSpec of a value; None if its type is unknown, unless `fail`."""
    if is_tensor_like(value) and isinstance(value, Tensor):
        return TensorSpec(value.shape, value.dtype)
    if getattr(value, "_is_composite", False):
        return value._type_spec
    if value is None:
        return resolve("penstock._src.data.structure", "NoneTensorSpec")()
    if isinstance(value, (np.ndarray, np.generic)):
        return TensorSpec(value.shape, value.dtype)
    for kind, convert in reversed(_FROM_VALUE):
        if isinstance(value, kind):
            return convert(value)
    try:
        tensor = convert_to_tensor(value, dtype=dtype_of_arrays(value))
        return TensorSpec(tensor.shape, tensor.dtype)
    except (ValueError, TypeError):
        if not fail:
            return None
    raise TypeError(f"Could not build a TypeSpec for {value!r} of type {type(value).__name__}")
