"""Traverses structures with the path of every leaf, or only down to the leaves of a shallower structure."""

import collections.abc
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from penstock._src.util.export import export
from penstock._src.util.nest import (
    children,
    flatten,
    flatten_with_tuple_paths,
    is_attrs,
    is_composite,
    is_namedtuple,
    is_nested,
    keys_and_children,
    pack_sequence_as,
    rebuild,
    sorted_keys,
    unwrapped,
)

Path = tuple[Any, ...]


def _joined(path: Path) -> str:
    return "/".join(map(str, path))


@export("__internal__.nest.yield_flat_paths", v1=[])
def yield_flat_paths(nest: Any, expand_composites: bool = False) -> Iterator[Path]:
    """Yields the path of every leaf: the tuple of keys, fields and positions on the way to it."""
    for path, _ in flatten_with_tuple_paths(nest, expand_composites):
        yield path


def flatten_with_joined_string_paths(
    structure: Any, separator: str = "/", expand_composites: bool = False
) -> list[tuple[str, Any]]:
    """Returns ("a/0/b", leaf) for every leaf."""
    found = flatten_with_tuple_paths(structure, expand_composites)
    return [(separator.join(map(str, path)), leaf) for path, leaf in found]


def map_structure_with_paths(
    func: Callable[..., Any], *structure: Any, check_types: bool = True, **kwargs: Any
) -> Any:
    """Like `map_structure`; `func` also gets the path of each leaf, such as "a/0/b", as first argument."""
    return map_structure_with_tuple_paths_up_to(
        structure[0],
        lambda path, *leaves: func(_joined(path), *leaves, **kwargs),
        *structure,
        check_types=check_types,
    )


def map_structure_with_tuple_paths(
    func: Callable[..., Any], *structure: Any, check_types: bool = True, **kwargs: Any
) -> Any:
    """Like `map_structure`; `func` also gets the path of each leaf, a tuple, as first argument."""
    return map_structure_with_tuple_paths_up_to(
        structure[0], func, *structure, check_types=check_types, **kwargs
    )


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

    Raises:
      TypeError, ValueError: as `assert_shallow_structure`.
    """
    held = children(shallow_tree, expand_composites)
    if held is None:
        return [input_tree]
    flat: list[Any] = []
    for shallow, deep in zip(
        held, _children_like(shallow_tree, held, input_tree, check_types, expand_composites)
    ):
        flat.extend(flatten_up_to(shallow, deep, check_types, expand_composites))
    return flat


def assert_shallow_structure(
    shallow_tree: Any, input_tree: Any, check_types: bool = True, expand_composites: bool = False
) -> None:
    """Raises unless `shallow_tree` nests as the upper part of `input_tree` does.

    Raises:
      TypeError: the input has a leaf where the shallow tree has a structure; with `check_types`, the types differ.
      ValueError: a structure has another length or other keys.
    """
    flatten_up_to(shallow_tree, input_tree, check_types, expand_composites)


def _children_like(
    shallow: Any, held: Sequence[Any], deep: Any, check_types: bool, expand_composites: bool
) -> Sequence[Any]:
    """The children of `deep` in the order of `shallow`, whose children are `held`."""
    inside = children(deep, expand_composites)
    if inside is None:
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. Input has type: "
            f"{type(deep)}."
        )
    if check_types:
        _require_same_kind(unwrapped(shallow), unwrapped(deep))
    if len(held) != len(inside):
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has length "
            f"{len(inside)}, while shallow structure has length {len(held)}."
        )
    if isinstance(shallow, collections.abc.Mapping) and isinstance(deep, collections.abc.Mapping):
        missing = [key for key in shallow if key not in deep]
        if missing:
            raise ValueError(
                "The two structures don't have the same keys. Input structure has keys "
                f"{list(deep)}, while shallow structure has keys {list(shallow)}."
            )
        return [deep[key] for key in sorted_keys(shallow)]
    return inside


def _require_same_kind(shallow: Any, deep: Any) -> None:
    mappings = isinstance(shallow, collections.abc.Mapping) and isinstance(
        deep, collections.abc.Mapping
    )
    lists = isinstance(shallow, list) and isinstance(deep, list)
    composites = is_composite(shallow) and is_composite(deep)
    named = is_namedtuple(shallow) and is_namedtuple(deep)
    alike = named and shallow._fields == deep._fields
    if not (mappings or lists or composites or alike or isinstance(deep, type(shallow))):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"{type(deep)}, while shallow structure has type {type(shallow)}."
        )


@export("__internal__.nest.map_structure_up_to", v1=[])
def map_structure_up_to(
    shallow_tree: Any,
    func: Callable[..., Any],
    *inputs: Any,
    check_types: bool = True,
    expand_composites: bool = False,
    **kwargs: Any,
) -> Any:
    """Applies `func` to the parts of the inputs at the leaves of `shallow_tree`; returns a structure of the results."""
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
    """
    decision = traverse_fn(structure)
    held = children(structure, expand_composites)
    if held is None:
        return bool(decision)
    if isinstance(decision, bool):
        if not decision:
            return False
        below = [get_traverse_shallow_structure(traverse_fn, c, expand_composites) for c in held]
        return rebuild(structure, below, expand_composites)
    below = [
        get_traverse_shallow_structure(traverse_fn, child, expand_composites) if go else False
        for go, child in zip(flatten(decision), held)
    ]
    return rebuild(structure, below, expand_composites)


@export("__internal__.nest.list_to_tuple", v1=[])
def list_to_tuple(structure: Any) -> Any:
    """Returns the structure with tuples in place of lists."""
    held = children(structure)
    if held is None:
        return structure
    below = [list_to_tuple(child) for child in held]
    return tuple(below) if isinstance(structure, list) else rebuild(structure, below)


@export("__internal__.nest.is_mapping", v1=[])
def is_mapping(obj: Any) -> bool:
    """Whether `obj` is a dict or another mapping."""
    return isinstance(obj, collections.abc.Mapping)


export("__internal__.nest.is_attrs", v1=[])(is_attrs)


@export("__internal__.nest.sequence_like", v1=[])
def sequence_like(instance: Any, args: Iterable[Any]) -> Any:
    """Returns a structure of the kind of `instance` that holds `args` (in order of its keys)."""
    return rebuild(instance, list(args))


def is_nested_or_composite(obj: Any) -> bool:
    """Whether `obj` is a structure or a composite tensor."""
    return is_nested(obj) or is_composite(obj)


def yield_value(iterable: Any) -> Iterator[Any]:
    """Yields the children of a structure in order."""
    yield from children(iterable) or ()


def yield_sorted_items(iterable: Any) -> Iterator[tuple[Any, Any]]:
    """Yields (key, child) pairs of a structure, in order."""
    yield from keys_and_children(iterable, expand_composites=False) or ()
