"""tf.nest: structures of lists, tuples, dicts, attrs classes and composite tensors, flattened and rebuilt.

Dicts are walked in the order of their sorted keys. An object is a composite if its class has
`_type_spec` and the spec has `_to_components` and `_from_components`; a dataclass takes part if it
defines `__tf_flatten__` and `__tf_unflatten__`.
"""

import collections
import collections.abc
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

from penstock._src.util.export import export


@runtime_checkable
class CustomNestProtocol(Protocol):
    """A class that says how its instances are flattened and rebuilt."""

    def __tf_flatten__(self) -> tuple[Any, tuple[Any, ...]]:
        """Returns the fixed part (metadata) and a tuple of components."""
        ...

    @classmethod
    def __tf_unflatten__(cls, metadata: Any, components: tuple[Any, ...]) -> Any:
        """Returns an instance with this metadata and these components."""
        ...


def is_composite(value: Any) -> bool:
    """True if `value` is a composite tensor, described by a TypeSpec, or such a spec."""
    return getattr(type(value), "_is_composite", False)


def is_namedtuple(instance: Any, strict: bool = False) -> bool:
    """True if `instance` is a named tuple. With `strict`, instances of subclasses are excluded."""
    if not (isinstance(instance, tuple) and hasattr(instance, "_fields")):
        return False
    return not strict or type(unwrapped(instance)).__base__ is tuple


def is_attrs(value: Any) -> bool:
    """True if `value` is an instance of an attrs class.

    Args:
      value: any object.

    Returns:
      A bool.
    """
    return hasattr(type(value), "__attrs_attrs__")


def is_custom(value: Any) -> bool:
    """True if the class defines its own flattening."""
    return hasattr(type(value), "__tf_flatten__") and hasattr(type(value), "__tf_unflatten__")


@export("nest.is_nested", "__internal__.nest.is_nested", v1=["nest.is_nested"])
def is_nested(seq: Any) -> bool:
    """True if `seq` is a list, tuple, dict or another structure with elements.

    Args:
      seq: any object.

    Returns:
      A bool.
    """
    if isinstance(seq, (str, bytes)):
        return False
    if type(seq) in (list, tuple, dict):
        return True
    return (
        isinstance(seq, (list, tuple, collections.abc.Mapping, collections.abc.MappingView))
        or is_attrs(seq)
        or is_custom(seq)
        or _is_sequence_wrapper(seq)
    )


def _is_sequence_wrapper(value: Any) -> bool:
    return isinstance(value, collections.abc.Sequence) and not _is_tensor(value)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape") or hasattr(value, "rank")


def sorted_keys(mapping: Any) -> list[Any]:
    """Returns the keys in order.

    Raises:
      TypeError: they cannot be compared.
    """
    try:
        return sorted(mapping)
    except TypeError:
        raise TypeError("nest only supports dicts with sortable keys.") from None


_LEAF_KINDS: set[type] = set()  # classes whose instances are always leaves


def children(structure: Any, expand_composites: bool = False) -> Sequence[Any] | None:
    """Returns the children of a structure in order, or None for a leaf."""
    kind = type(structure)
    if kind is list or kind is tuple:
        return structure
    if kind is dict:
        return [structure[k] for k in sorted_keys(structure)]
    if kind in _LEAF_KINDS:
        return None
    if is_composite(structure):
        return [composite_components(structure)] if expand_composites else None
    if not is_nested(structure):
        if structure.__class__ is kind and not isinstance(structure, collections.abc.Sequence):
            _LEAF_KINDS.add(kind)
        return None
    if isinstance(structure, collections.abc.Mapping):
        return [structure[k] for k in sorted_keys(structure)]
    if is_attrs(structure):
        return [getattr(structure, a.name) for a in type(structure).__attrs_attrs__]
    if is_custom(structure):
        return list(structure.__tf_flatten__()[1])
    return list(structure)


def composite_components(value: Any) -> Any:
    """Returns the structure of components of a composite tensor or of its spec."""
    if is_spec(value):
        return value._component_specs
    return value._type_spec._to_components(value)


def is_spec(composite: Any) -> bool:
    """True if a composite is the spec of a composite tensor."""
    return hasattr(composite, "_component_specs")


def rebuild(instance: Any, values: Sequence[Any], expand_composites: bool = False) -> Any:
    """Returns a structure like `instance` that holds `values`."""
    kind = type(instance)
    if kind is list or kind is range:
        return list(values)
    if kind is tuple:
        return tuple(values)
    if is_composite(instance):
        spec = instance if is_spec(instance) else instance._type_spec
        return spec._from_components(values[0])
    if _is_proxy(instance):
        inner = rebuild(instance.__wrapped__, values)
        return inner if is_namedtuple(instance) or is_attrs(instance) else kind(inner)
    if isinstance(instance, collections.abc.Mapping):
        return _rebuild_mapping(instance, dict(zip(sorted_keys(instance), values)))
    if is_namedtuple(instance):
        return kind(*values)
    if is_attrs(instance):
        names = (a.name for a in kind.__attrs_attrs__)
        return kind(**dict(zip((n.lstrip("_") for n in names), values)))
    if is_custom(instance):
        return instance.__tf_unflatten__(instance.__tf_flatten__()[0], tuple(values))
    if isinstance(instance, collections.abc.MappingView):
        return list(values)
    return kind(values)


def _is_proxy(value: Any) -> bool:
    """True if `value` claims another object's class, as proxies of wrapt do."""
    return value.__class__ is not type(value) and hasattr(value, "__wrapped__")


def _rebuild_mapping(instance: Any, by_key: dict[Any, Any]) -> Any:
    kind = type(instance)
    ordered = [(key, by_key[key]) for key in instance]
    if isinstance(instance, collections.defaultdict):
        result = kind(instance.default_factory)
        result.update(ordered)
        return result
    if isinstance(instance, collections.abc.MutableMapping):
        result = kind()
        for key, value in ordered:
            result[key] = value
        return result
    try:
        return kind(ordered)
    except TypeError as error:
        raise TypeError(
            f"Error creating an object of type {kind} like {instance}. Note that it must accept a single "
            "positional argument representing an iterable of key-value pairs, in addition to self. "
            f"Cause: {error}"
        ) from None


def iterate(structure: Any, expand_composites: bool = False) -> Iterator[Any]:
    """Yields the leaves in order."""
    parts = children(structure, expand_composites)
    if parts is None:
        yield structure
        return
    for child in parts:
        yield from iterate(child, expand_composites)


@export("nest.flatten", "__internal__.nest.flatten", v1=["nest.flatten"])
def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """Returns the leaves of a structure as a flat list.

    Lists, tuples, named tuples, dictionaries (in the order of their keys), dataclasses with the
    protocol and attrs classes are structures; tensors and arrays are leaves.

    Args:
      structure: a structure, or a single leaf.
      expand_composites: whether composite tensors are taken apart as well.

    Returns:
      A list.

    Raises:
      TypeError: the keys of a dictionary cannot be sorted.

    >>> tf.nest.flatten({"b": [1, 2], "a": 3})
    [3, 1, 2]
    """
    if structure is None:
        return [None]
    parts = children(structure, expand_composites)
    if parts is None:
        return [structure]
    flat: list[Any] = []
    for child in parts:
        flat.extend(flatten(child, expand_composites))
    return flat


@export("nest.pack_sequence_as", v1=["nest.pack_sequence_as"])
def pack_sequence_as(
    structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False
) -> Any:
    """Returns a structure with the leaves of a flat list.

    Args:
      structure: the structure, whose own leaves do not matter.
      flat_sequence: a list of as many leaves.
      expand_composites: whether composite tensors are put together too.

    Returns:
      A structure like `structure`.

    Raises:
      ValueError: the number of leaves differs.
      TypeError: `flat_sequence` is not a sequence.

    >>> tf.nest.pack_sequence_as({"a": 0, "b": [0, 0]}, [3, 1, 2])
    {'a': 3, 'b': [1, 2]}
    """
    if not isinstance(flat_sequence, (list, tuple)) and not is_nested(flat_sequence):
        raise TypeError(
            f"Attempted to pack value:\n  {_shortened(flat_sequence)}\ninto a structure, but found "
            f"incompatible type `{type(flat_sequence)}` instead."
        )
    if children(structure, expand_composites) is None and len(flat_sequence) != 1:
        raise ValueError(
            f"The target structure is of type `{type(structure)}`\n  {_shortened(structure)}\n"
            f"However the input is a sequence ({type(flat_sequence)}) of length {len(flat_sequence)}.\n"
            f"  {_shortened(flat_sequence)}\nnest cannot guarantee that it is safe to map one to the other."
        )
    flat = list(flat_sequence)
    wanted = len(flatten(structure, expand_composites))
    if len(flat) != wanted:
        raise ValueError(
            f"Could not pack sequence. Structure had {wanted} atoms, but flat_sequence had "
            f"{len(flat)} items.  Structure: {structure}, flat_sequence: {flat_sequence}."
        )
    return pack_leaves(structure, iter(flat), expand_composites)


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def pack_leaves(structure: Any, leaves: Iterator[Any], expand_composites: bool = False) -> Any:
    """`pack_sequence_as` for leaves known to match in number."""
    parts = children(structure, expand_composites)
    if parts is None:
        return next(leaves)
    values = [pack_leaves(child, leaves, expand_composites) for child in parts]
    return rebuild(structure, values, expand_composites)


@export("nest.assert_same_structure", v1=["nest.assert_same_structure"])
def assert_same_structure(
    nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raises unless two structures nest in the same way.

    Args:
      nest1, nest2: the structures.
      check_types: whether lists, tuples and dicts must be of the same class; if not, a list fits a
        tuple.
      expand_composites: whether composite tensors are structures of their components.

    Raises:
      ValueError: they nest differently.
      TypeError: with `check_types`, the types of sequences differ.
    """
    try:
        assert_same_held(nest1, nest2, check_types, lambda part: children(part, expand_composites))
    except (ValueError, TypeError) as error:
        raise differing(nest1, nest2, map_leaves, error) from None


def differing(
    first: Any, second: Any, outline: Callable[[Any], Any], error: Exception
) -> Exception:
    """The error for two structures that `error` says to differ; `outline` shows a structure without its leaves."""
    parts = [
        "The two structures don't have the same nested structure.",
        f"First structure: {_described(first)}",
        f"Second structure: {_described(second)}",
        f"More specifically: {error}\nEntire first structure:\n{outline(first)}\n"
        f"Entire second structure:\n{outline(second)}",
    ]
    return type(error)("\n\n".join(parts))


def _described(structure: Any) -> str:
    return f"type={type(structure).__name__} str={structure!s}"


class _Dot:
    """A leaf in a message."""

    def __repr__(self) -> str:
        return "."


def map_leaves(structure: Any) -> Any:
    """Returns the structure with a dot in place of every leaf, for messages."""
    return pack_sequence_as(structure, [_Dot() for _ in flatten(structure)])


def assert_same_held(
    first: Any, second: Any, check_types: bool, held_by: Callable[[Any], Sequence[Any] | None]
) -> None:
    """`assert_same_structure` for structures with parts that `held_by` returns.

    Raises:
      ValueError: they nest differently.
      TypeError: with `check_types`, the types of sequences differ.
    """
    held1, held2 = held_by(first), held_by(second)
    if (held1 is None) != (held2 is None):
        nested, leaf = (first, second) if held2 is None else (second, first)
        raise ValueError(
            f'Substructure "{_described(nested)}" is a sequence, while substructure '
            f'"{_described(leaf)}" is not'
        )
    if held1 is None or held2 is None:
        return
    if check_types:
        _check_kinds(unwrapped(first), unwrapped(second))
    _check_specs(first, second)
    for a, b in zip(held1, held2):
        assert_same_held(a, b, check_types, held_by)
    if len(held1) != len(held2):
        raise ValueError(
            "The two structures don't have the same number of elements. First structure: "
            f"{_described(unwrapped(first))}. Second structure: {_described(unwrapped(second))}"
        )


def _check_kinds(first: Any, second: Any) -> None:
    if isinstance(first, collections.abc.Mapping) and isinstance(second, collections.abc.Mapping):
        if set(first) != set(second):
            raise ValueError(
                "The two dictionaries don't have the same set of keys. First structure has keys "
                f"{_described(list(first))}, while second structure has keys {_described(list(second))}"
            )
        return
    alike = (
        type(first) is type(second)
        or (isinstance(first, list) and isinstance(second, list))
        or (is_composite(first) and is_composite(second))
        or (is_namedtuple(first) and is_namedtuple(second) and same_namedtuples(first, second))
    )
    if not alike:
        raise TypeError(
            "The two namedtuples don't have the same sequence type. First structure "
            f"{_described(first)} has type {type(first).__name__}, while second structure "
            f"{_described(second)} has type {type(second).__name__}"
        )


def same_namedtuples(first: Any, second: Any) -> bool:
    """True if two named tuples have classes of the same name and fields.

    Raises:
      RuntimeError: one of them has no fields.
    """
    if not (hasattr(first, "_fields") and hasattr(second, "_fields")):
        raise RuntimeError("Expected namedtuple-like objects (that have _fields attr)")
    return type(first).__name__ == type(second).__name__ and first._fields == second._fields


def _check_specs(first: Any, second: Any) -> None:
    """Raise an error unless two composite tensors have a common spec. Of two specs only the components are compared."""
    if not (is_composite(first) and is_composite(second)):
        return
    specs = incompatible_specs(first, second)
    if specs is not None:
        raise ValueError(
            f"Incompatible CompositeTensor TypeSpecs: {_described(specs[0])} vs. {_described(specs[1])}"
        )


def incompatible_specs(first: Any, second: Any) -> tuple[Any, Any] | None:
    """Returns the specs of two composites if they have no common supertype, else None."""
    if is_spec(first) and is_spec(second):
        return None
    specs = [part if is_spec(part) else part._type_spec for part in (first, second)]
    one, other = (spec._without_tensor_names() for spec in specs)
    if hasattr(one, "_get_structure") and hasattr(other, "_get_structure"):
        fit = one._get_structure() == other._get_structure()
    else:
        fit = one.most_specific_common_supertype([other]) is not None
    return None if fit else (one, other)


def unwrapped(value: Any) -> Any:
    """Return the object that a proxy (such as wrapt's) wraps; other objects unchanged."""
    return getattr(value, "__wrapped__", value)


@export("nest.map_structure", "__internal__.nest.map_structure", v1=["nest.map_structure"])
def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Returns the structure of what a function makes of leaves at the same places.

    Args:
      func: a function of as many leaves as there are structures.
      *structure: structures that nest in the same way.
      **kwargs: `check_types` (whether types of sequences must agree; True) and
        `expand_composites` (False).

    Returns:
      A structure like the first.

    Raises:
      TypeError: `func` is not callable, or types differ.
      ValueError: there is no structure, they nest differently, or there is another keyword.

    >>> tf.nest.map_structure(lambda a, b: a + b, {"x": 1, "y": [2]}, {"x": 10, "y": [20]})
    {'x': 11, 'y': [22]}
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    check_types = kwargs.pop("check_types", True)
    expand_composites = kwargs.pop("expand_composites", False)
    if kwargs:
        raise ValueError(
            "Only valid keyword arguments are `check_types` and `expand_composites`, not: "
            f"`{'`, `'.join(kwargs)}`"
        )
    for other in structure[1:]:
        assert_same_structure(structure[0], other, check_types, expand_composites)
    flat = [flatten(s, expand_composites) for s in structure]
    return pack_sequence_as(structure[0], [func(*x) for x in zip(*flat)], expand_composites)


def keys_and_children(structure: Any, expand_composites: bool) -> list[tuple[Any, Any]] | None:
    """Returns (key, child) pairs, or None for a leaf."""
    parts = children(structure, expand_composites)
    if parts is None:
        return None
    if isinstance(structure, collections.abc.Mapping):
        return list(zip(sorted_keys(structure), parts))
    if is_namedtuple(structure):
        return list(zip(structure._fields, parts))
    if is_attrs(structure):
        return list(zip((a.name for a in type(structure).__attrs_attrs__), parts))
    if is_composite(structure):
        kind = structure.value_type if is_spec(structure) else type(structure)
        return [(kind.__name__, parts[0])]
    return list(enumerate(parts))


def flatten_with_tuple_paths(
    structure: Any, expand_composites: bool = False
) -> list[tuple[tuple[Any, ...], Any]]:
    """Returns (path, leaf) for every leaf; a path is the tuple of keys on the way to it."""
    pairs = keys_and_children(structure, expand_composites)
    if pairs is None:
        return [((), structure)]
    leaves: list[tuple[tuple[Any, ...], Any]] = []
    for key, child in pairs:
        inner = flatten_with_tuple_paths(child, expand_composites)
        leaves.extend(((key, *path), leaf) for path, leaf in inner)
    return leaves
