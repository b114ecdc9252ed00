"""Structures of elements of datasets: like `tf.nest`, but lists and `SparseTensorValue`s are leaves."""

import collections.abc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock._src.data.structure import children, leaves
from penstock._src.util import nest


def is_nested(structure: Any) -> bool:
    """True if a value holds others: tuples, dicts, attrs classes and the like."""
    return children(structure) is not None


flatten = leaves


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any]) -> Any:
    """Returns a structure like `structure` with the leaves of `flat_sequence`.

    Raises:
      TypeError: `flat_sequence` is not a sequence.
      ValueError: the number of leaves differs.
    """
    if not (is_nested(flat_sequence) or isinstance(flat_sequence, list)):
        raise TypeError(
            f"Argument `flat_sequence` must be a sequence. Got '{type(flat_sequence).__name__}'."
        )
    count = len(flat_sequence)
    if not is_nested(structure):
        if count != 1:
            raise ValueError(
                f"Argument `structure` is a scalar but `len(flat_sequence)`={count} > 1"
            )
        return flat_sequence[0]
    wanted = len(flatten(structure))
    if wanted != count:
        raise ValueError(
            f"Could not pack sequence. Argument `structure` had {wanted} elements, but argument "
            f"`flat_sequence` had {count} elements. Received structure: {structure}, "
            f"flat_sequence: {flat_sequence}."
        )
    return _packed(structure, iter(flat_sequence))


def _packed(structure: Any, values: Iterator[Any]) -> Any:
    parts = children(structure)
    if parts is None:
        return next(values)
    return nest.rebuild(structure, [_packed(part, values) for part in parts])


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True) -> None:
    """Raises unless two structures nest in the same way.

    Raises:
      ValueError: they nest differently.
      TypeError: with `check_types`, the types of sequences differ.
    """
    try:
        nest.assert_same_held(nest1, nest2, check_types, children)
    except (ValueError, TypeError) as error:
        raise nest.differing(nest1, nest2, _outline, error) from None


def _outline(structure: Any) -> Any:
    parts = children(structure)
    return "." if parts is None else nest.rebuild(structure, [_outline(part) for part in parts])


def map_structure(func: Callable[..., Any], *structure: Any, **check_types_dict: Any) -> Any:
    """Returns a structure of the results of `func` on the corresponding leaves.

    Raises:
      TypeError: `func` cannot be called, or the types of sequences differ.
      ValueError: the structures nest differently, or there is another keyword than `check_types`.
    """
    if not callable(func):
        raise TypeError(f"Argument `func` must be callable, got: {func}")
    if not structure:
        raise ValueError("Must provide at least one structure")
    if check_types_dict.keys() - {"check_types"}:
        raise ValueError(
            "Only valid keyword argument for `check_types_dict` is 'check_types'. Got "
            f"{check_types_dict}."
        )
    for other in structure[1:]:
        assert_same_structure(structure[0], other, **check_types_dict)
    results = [func(*parts) for parts in zip(*map(flatten, structure), strict=True)]
    return pack_sequence_as(structure[0], results)


def assert_shallow_structure(shallow_tree: Any, input_tree: Any, check_types: bool = True) -> None:
    """Raises unless `shallow_tree` is the upper part of `input_tree`.

    Raises:
      TypeError: a sequence faces a leaf or, with `check_types`, another type of sequence.
      ValueError: lengths or keys differ.
    """
    if not is_nested(shallow_tree):
        return
    kinds = type(input_tree).__name__, type(shallow_tree).__name__
    if not is_nested(input_tree):
        raise TypeError(
            "If shallow structure is a sequence, input must also be a sequence. Input has type: "
            f"'{kinds[0]}'."
        )
    if check_types and not isinstance(input_tree, type(shallow_tree)):
        raise TypeError(
            "The two structures don't have the same sequence type. Input structure has type "
            f"'{kinds[0]}', while shallow structure has type '{kinds[1]}'."
        )
    upper, lower = _children(shallow_tree), _children(input_tree)
    if len(upper) != len(lower):
        raise ValueError(
            "The two structures don't have the same sequence length. Input structure has length "
            f"{len(lower)}, while shallow structure has length {len(upper)}."
        )
    is_mapping = isinstance(shallow_tree, collections.abc.Mapping)
    if check_types and is_mapping and set(shallow_tree) != set(input_tree):
        raise ValueError(
            "The two structures don't have the same keys. Input structure has keys "
            f"{list(input_tree)}, while shallow structure has keys {list(shallow_tree)}."
        )
    for branch, part in zip(upper, lower, strict=True):
        assert_shallow_structure(branch, part, check_types)


def _children(structure: Any) -> Sequence[Any]:
    parts = children(structure)
    assert parts is not None
    return parts


def flatten_up_to(shallow_tree: Any, input_tree: Any) -> list[Any]:
    """Returns the parts of `input_tree` at the leaves of `shallow_tree`."""
    assert_shallow_structure(shallow_tree, input_tree)
    return list(_parts(shallow_tree, input_tree))


def _parts(shallow: Any, whole: Any) -> Iterator[Any]:
    branches = children(shallow)
    if branches is None:
        yield whole
        return
    for branch, part in zip(branches, _children(whole), strict=True):
        yield from _parts(branch, part)


def map_structure_up_to(shallow_tree: Any, func: Callable[..., Any], *inputs: Any) -> Any:
    """Returns a structure like `shallow_tree` of the results of `func` on the corresponding parts of `inputs`.

    Raises:
      ValueError: there are no inputs.
    """
    if not inputs:
        raise ValueError("Argument `inputs` is empty. Cannot map over no sequences.")
    parts = [flatten_up_to(shallow_tree, whole) for whole in inputs]
    results = [func(*values) for values in zip(*parts, strict=True)]
    return pack_sequence_as(shallow_tree, results)
