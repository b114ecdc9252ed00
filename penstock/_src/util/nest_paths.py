"""Traverses structures with the path of every leaf, or only down to the leaves of a shallower structure."""

import collections.abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from penstock._src.util.export import export
from penstock._src.util.nest import (
    children,
    flatten,
    flatten_with_tuple_paths,
    incompatible_specs,
    is_attrs,
    is_composite,
    is_namedtuple,
    is_nested,
    is_spec,
    keys_and_children,
    pack_sequence_as,
    rebuild,
    same_namedtuples,
    unwrapped,
)

Path = tuple[Any, ...]

IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ = (
    "If shallow structure is a sequence, input must also be a sequence. Input has type: {}."
)
STRUCTURES_HAVE_MISMATCHING_TYPES = (
    "The two structures don't have the same sequence type. Input structure has type {input_type}, "
    "while shallow structure has type {shallow_type}."
)
STRUCTURES_HAVE_MISMATCHING_LENGTHS = (
    "The two structures don't have the same sequence length. Input structure has length "
    "{input_length}, while shallow structure has length {shallow_length}."
)
SHALLOW_TREE_HAS_INVALID_KEYS = (
    "The shallow_tree's keys are not a subset of the input_tree's keys. The shallow_tree has the "
    "following keys that are not in the input_tree: {}."
)


def _joined(path: Path) -> str:
    return "/".join(map(str, path))


@export("__internal__.nest.yield_flat_paths", v1=[])
def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[Path]:
    """Yields the path of every leaf: the tuple of keys, fields and positions on the way to it.

    Args:
      nest: a structure.
      expand_composites: whether composite tensors are structures of their components.

    Returns:
      An iterator of tuples.
    """
    for path, _ in flatten_with_tuple_paths(nest, expand_composites):
        yield path


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """Returns ("a/0/b", leaf) for every leaf."""
    pairs = flatten_with_tuple_paths(structure, expand_composites)
    return [(separator.join(map(str, path)), leaf) for path, leaf in pairs]


def map_structure_with_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Like `map_structure`; `func` also gets the path of each leaf, such as "a/0/b", as first argument."""

    def with_joined(path: Path, *leaves: Any, **others: Any) -> Any:
        return func(_joined(path), *leaves, **others)

    return map_structure_with_tuple_paths(with_joined, *structure, **kwargs)


def map_structure_with_tuple_paths(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """Like `map_structure`; `func` also gets the path of each leaf, a tuple, as first argument."""
    return map_structure_with_tuple_paths_up_to(structure[0], func, *structure, **kwargs)


def map_structure_with_tuple_paths_up_to(
    shallow_tree: Any,
    func: Callable[..., Any],
    *inputs: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    **kwargs: Any,
) -> Any:
    """Like `map_structure_up_to`; `func` also gets the path of each leaf of `shallow_tree`, a tuple, as first argument."""
    if not inputs:
        raise ValueError("Cannot map over no sequences")
    flat = [flatten_up_to(shallow_tree, tree, check_types, expand_composites) for tree in inputs]
    paths = yield_flat_paths(shallow_tree, expand_composites)
    mapped = [func(path, *leaves, **kwargs) for path, *leaves in zip(paths, *flat)]
    return pack_sequence_as(shallow_tree, mapped, expand_composites)


@export("__internal__.nest.flatten_up_to", v1=[])
def flatten_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[Any]:
    """Returns the parts of `input_tree` at the leaves of `shallow_tree`.

    Args:
      shallow_tree: a structure.
      input_tree: a structure that goes on below the leaves of `shallow_tree`.
      check_types: whether lists, tuples and dicts must be of the same class.
      expand_composites: whether composite tensors are structures of their components.

    Returns:
      A list.

    Raises:
      TypeError, ValueError: as `assert_shallow_structure`.
    """
    pairs = flatten_with_tuple_paths_up_to(shallow_tree, input_tree, check_types, expand_composites)
    return [part for _, part in pairs]


def flatten_with_tuple_paths_up_to(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> list[tuple[Path, Any]]:
    """Returns (path, part) for the parts of `input_tree` at the leaves of `shallow_tree`.

    Raises:
      TypeError, ValueError: as `assert_shallow_structure`.
    """
    assert_shallow_structure(shallow_tree, input_tree, check_types, expand_composites)
    return list(_parts_up_to(shallow_tree, input_tree, expand_composites))


def _parts_up_to(shallow: Any, deep: Any, expand_composites: bool) -> Iterator[tuple[Path, Any]]:
    pairs = keys_and_children(shallow, expand_composites)
    if pairs is None:
        yield (), deep
        return
    # a structure that has other keys (a tuple below a dict, say) holds no part for them
    below = dict(keys_and_children(deep, expand_composites) or ())
    for key, child in pairs:
        for path, part in _parts_up_to(child, below[key], expand_composites):
            yield (key, *path), part


def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raises unless `shallow_tree` nests as the upper part of `input_tree` does.

    Raises:
      TypeError: the input has a leaf where the shallow tree has a structure; with `check_types`, the types differ.
      ValueError: a structure has another length or other keys.
    """
    parts = children(shallow_tree, expand_composites)
    if parts is None:
        return
    inside = children(input_tree, expand_composites)
    if inside is None:
        raise TypeError(IF_SHALLOW_IS_SEQ_INPUT_MUST_BE_SEQ.format(type(input_tree)))
    if check_types:
        _require_same_kind(shallow_tree, input_tree)
    if is_composite(shallow_tree) or is_composite(input_tree):
        _require_compatible_composites(shallow_tree, input_tree)
    elif len(parts) != len(inside):
        raise ValueError(
            STRUCTURES_HAVE_MISMATCHING_LENGTHS.format(
                input_length=len(inside), shallow_length=len(parts)
            )
        )
    if isinstance(shallow_tree, collections.abc.Mapping):
        missing = set(shallow_tree) - set(input_tree)
        if missing:
            raise ValueError(SHALLOW_TREE_HAS_INVALID_KEYS.format(sorted(missing)))
    for shallow, deep in zip(parts, inside):
        assert_shallow_structure(shallow, deep, check_types, expand_composites)


def _require_same_kind(shallow: Any, deep: Any) -> None:
    mappings = isinstance(shallow, collections.abc.Mapping) and isinstance(
        deep, collections.abc.Mapping
    )
    lists = isinstance(shallow, list) and isinstance(deep, list)
    composites = is_composite(shallow) and is_composite(deep)
    alike = (
        is_namedtuple(shallow)
        and is_namedtuple(deep)
        and same_namedtuples(unwrapped(shallow), deep)
    )
    if not (mappings or lists or composites or alike or isinstance(deep, type(unwrapped(shallow)))):
        raise _differing_types(shallow, deep)


def _differing_types(shallow: Any, deep: Any) -> TypeError:
    return TypeError(
        STRUCTURES_HAVE_MISMATCHING_TYPES.format(input_type=type(deep), shallow_type=type(shallow))
    )


def _require_compatible_composites(shallow: Any, deep: Any) -> None:
    if not (is_composite(shallow) and is_composite(deep)):
        if is_composite(shallow) and is_spec(shallow):
            raise TypeError(
                "If shallow structure is a TypeSpec, input must also be a TypeSpec.  Input has type: "
                f"{type(deep)}."
            )
        raise _differing_types(shallow, deep)
    specs = incompatible_specs(shallow, deep)
    if specs is not None:
        raise ValueError(f"Incompatible CompositeTensor TypeSpecs: {specs[0]} vs. {specs[1]}")


@export("__internal__.nest.map_structure_up_to", v1=[])
def map_structure_up_to(
    shallow_tree: Any,
    func: Callable[..., Any],
    *inputs: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    **kwargs: Any,
) -> Any:
    """Applies `func` to the parts of the inputs at the leaves of `shallow_tree`; returns a structure of the results.

    Args:
      shallow_tree: a structure.
      func: of a part of each input.
      *inputs: structures that go on below the leaves of `shallow_tree`.
      check_types: whether lists, tuples and dicts must be of the same class.
      expand_composites: whether composite tensors are structures of their components.
      **kwargs: of `func`.

    Returns:
      A structure as `shallow_tree`.
    """
    return map_structure_with_tuple_paths_up_to(
        shallow_tree,
        lambda _, *leaves: func(*leaves, **kwargs),
        *inputs,
        check_types=check_types,
        expand_composites=expand_composites,
    )


@export("__internal__.nest.get_traverse_shallow_structure", v1=[])
def get_traverse_shallow_structure(
    traverse_fn: Callable[[Any], Any], structure: Any, expand_composites: bool = False
) -> Any:
    """Returns the structure down to the parts for which `traverse_fn(part)` is False; its leaves are booleans.

    `traverse_fn` may also return a structure of booleans, one for each child.

    Args:
      traverse_fn: of a part of the structure.
      structure: a structure.
      expand_composites: whether composite tensors are structures of their components.

    Returns:
      A structure of bools.

    Raises:
      TypeError: `traverse_fn` returned something else.
    """
    decision = traverse_fn(structure)
    parts = children(structure, expand_composites)
    if parts is None:
        if not isinstance(decision, bool):
            raise TypeError(
                f"traverse_fn returned structure: {decision} for non-structure: {structure!s}"
            )
        return decision
    if decision is False:
        return False
    steps = _steps(decision, structure, len(parts), expand_composites)
    below = [
        get_traverse_shallow_structure(traverse_fn, child, expand_composites) if step else False
        for step, child in zip(steps, parts)
    ]
    return rebuild(structure, below, expand_composites)


def _steps(decision: Any, structure: Any, number: int, expand_composites: bool) -> Sequence[bool]:
    """Return the children to enter: all of them, or those that a structure of booleans marks."""
    if decision is True:
        return [True] * number
    steps = children(decision, expand_composites)
    if steps is None:
        raise TypeError(
            f"traverse_fn returned a non-bool scalar: {decision} for input: {structure!s}"
        )
    assert_shallow_structure(decision, structure, expand_composites=expand_composites)
    if not all(isinstance(step, bool) for step in steps):
        raise TypeError(
            f"traverse_fn didn't return a depth=1 structure of bools.  saw: {decision}  "
            f"for structure: {structure!s}"
        )
    return steps


@export("__internal__.nest.list_to_tuple", v1=[])
def list_to_tuple(structure: Any) -> Any:
    """Returns the structure with lists converted to tuples.

    Args:
      structure: a structure.

    Returns:
      A structure.
    """
    parts = children(structure)
    if parts is None:
        return structure
    below = [list_to_tuple(child) for child in parts]
    return tuple(below) if isinstance(structure, list) else rebuild(structure, below)


@export("__internal__.nest.is_mapping", v1=[])
def is_mapping(obj: Any) -> bool:
    """True if `obj` is a dict or another mapping.

    Args:
      obj: any object.

    Returns:
      A bool.
    """
    return isinstance(obj, collections.abc.Mapping)


export("__internal__.nest.is_attrs", v1=[])(is_attrs)


@export("__internal__.nest.sequence_like", v1=[])
def sequence_like(instance: Any, args: Iterable[Any]) -> Any:
    """Returns a structure of the kind of `instance` that holds `args` (in order of its keys).

    Args:
      instance: a list, tuple, dict or another structure.
      args: as many parts as it has.

    Returns:
      A structure.
    """
    return rebuild(instance, list(args))


def is_nested_or_composite(obj: Any) -> bool:
    """True if `obj` is a structure or a composite tensor."""
    return is_nested(obj) or is_composite(obj)


def yield_value(iterable: Any) -> Iterator[Any]:
    """Yields the children of a structure in order; the items of any other iterable."""
    for _, child in yield_sorted_items(iterable):
        yield child


def yield_sorted_items(iterable: Any) -> Iterator[tuple[Any, Any]]:
    """Yields (key, child) pairs of a structure or composite in order; of any other iterable, (position, item)."""
    pairs = keys_and_children(iterable, expand_composites=True)
    yield from enumerate(iterable) if pairs is None else pairs


def flatten_dict_items(dictionary: Any) -> dict[Any, Any]:
    """Returns a flat dict: the leaves of each key mapped to the corresponding leaves of its value.

    Raises:
      TypeError: `dictionary` is not a mapping.
      ValueError: a value does not nest as its key does, or a leaf occurs in two keys.
    """
    if not isinstance(dictionary, collections.abc.Mapping):
        raise TypeError(
            "FlattenDictItems: 'dict' must be a dictionary or collection.Mapping type object, instead of "
            f"'{type(dictionary).__name__}'."
        )
    flat: dict[Any, Any] = {}
    for key, value in dictionary.items():
        if not is_nested(key):
            _add_new(flat, key, value)
            continue
        keys, values = flatten(key), flatten(value)
        if len(keys) != len(values):
            raise ValueError(
                f"Could not flatten dictionary. Key had {len(keys)} elements, but value had "
                f"{len(values)} elements. Key: {keys}, value: {values}."
            )
        for one, part in zip(keys, values):
            _add_new(flat, one, part)
    return flat


def _add_new(flat: dict[Any, Any], key: Any, value: Any) -> None:
    if key in flat:
        raise ValueError(f"Cannot flatten dict because this key is not unique: {key}")
    flat[key] = value
