"""Structures walked with paths, and down to a shallower structure; expected values are TensorFlow's."""

import collections
import re

import pytest

import penstock as tf
from penstock._src.util import nest_paths as nest

Pair = collections.namedtuple("Pair", "a b")
NESTED = {"b": [1, 2], "a": Pair(3, (4,))}


def test_paths_go_by_sorted_keys_fields_and_positions():
    assert list(nest.yield_flat_paths(NESTED)) == [("a", "a"), ("a", "b", 0), ("b", 0), ("b", 1)]
    assert nest.flatten_with_joined_string_paths(NESTED) == [
        ("a/a", 3),
        ("a/b/0", 4),
        ("b/0", 1),
        ("b/1", 2),
    ]


def test_mapping_with_paths_keeps_the_structure():
    made = nest.map_structure_with_tuple_paths(lambda path, x, y: (path, x + y), NESTED, NESTED)
    assert made["b"] == [(("b", 0), 2), (("b", 1), 4)]
    assert made["a"] == Pair((("a", "a"), 6), ((("a", "b", 0), 8),))
    assert nest.map_structure_with_paths(lambda path, x: path, NESTED)["b"] == ["b/0", "b/1"]


def test_mapping_up_to_a_shallow_structure_hands_out_what_is_below():
    shallow = {"b": 0, "a": 0}
    made = nest.map_structure_with_tuple_paths_up_to(shallow, lambda path, x: (path, x), NESTED)
    assert made == {"b": (("b",), [1, 2]), "a": (("a",), Pair(3, (4,)))}
    assert nest.map_structure_up_to([1, 2], lambda x, y: (x, y), [1, [2]], [3, 4]) == [
        (1, 3),
        ([2], 4),
    ]


@pytest.mark.parametrize(
    "shallow, deep, error, message",
    [
        ([1, 2], (3, 4), TypeError, "same sequence type"),
        ([1, 2], [3, 4, 5], ValueError, "Input structure has length 3"),
        ([1, 2], 7, TypeError, "input must also be a sequence"),
        ({"a": 1}, {"a": 2, "b": 3}, ValueError, "same sequence length"),
        (Pair(1, 2), (3, 4), TypeError, "same sequence type"),
    ],
)
def test_structures_that_do_not_match_are_refused(shallow, deep, error, message):
    with pytest.raises(error, match=message):
        nest.assert_shallow_structure(shallow, deep)


def test_kinds_of_sequences_may_differ_when_asked_for():
    assert nest.flatten_up_to([1, 2], (3, 4), check_types=False) == [3, 4]
    assert nest.flatten_up_to(collections.OrderedDict(a=1), {"a": 3}) == [3]


def test_a_traversal_cuts_where_it_says_no():
    def is_open(part):
        return isinstance(part, list | dict)

    structure = {"a": [1, (2,)], "b": 3}
    assert nest.get_traverse_shallow_structure(is_open, structure) == {
        "a": [False, False],
        "b": False,
    }


def test_lists_become_tuples_inside_other_structures():
    made = nest.list_to_tuple({"a": [1, [2]], "b": Pair([1], 2)})
    assert made == {"a": (1, (2,)), "b": Pair((1,), 2)}


@pytest.mark.parametrize(
    "first, second, error, text",
    [
        ([1, 2], [1, 2, 3], ValueError, "don't have the same number of elements. First structure: type=list"),
        ([1, [2]], [1, 2], ValueError, 'Substructure "type=list str=.2." is a sequence, while'),
        ([1], (1,), TypeError, "has type list, while second structure type=tuple"),
        ({"a": 1}, {"b": 1}, ValueError, "First structure has keys type=list str=..a..,"),
    ],
)  # fmt: skip
def test_structures_that_differ_are_described(first, second, error, text):
    with pytest.raises(error, match="don't have the same nested structure") as raised:
        tf.nest.assert_same_structure(first, second)
    assert re.search(text, str(raised.value))


def test_paths_down_to_a_shallow_structure():
    found = nest.flatten_with_tuple_paths_up_to({"a": 0}, {"a": [1, 2]})
    assert found == [(("a",), [1, 2])]
    with pytest.raises(ValueError, match=re.escape("not in the input_tree: ['c']")):
        nest.flatten_up_to({"c": 0}, {"a": 1})


@pytest.mark.parametrize(
    "decide, structure, message",
    [
        (lambda part: 1, [1], "returned a non-bool scalar: 1 for input: "),
        (lambda part: [True], 3, "returned structure: .True. for non-structure: 3"),
        (lambda part: [1], [2], "didn't return a depth=1 structure of bools"),
        (lambda part: [True, False], (1, 2), "have the same sequence type"),
    ],
)
def test_a_traversal_is_decided_by_booleans(decide, structure, message):
    with pytest.raises(TypeError, match=message):
        nest.get_traverse_shallow_structure(decide, structure)


def test_dicts_with_structures_as_keys_are_flattened():
    assert nest.flatten_dict_items({(1, (2,)): ("a", ("b",)), 3: [4]}) == {1: "a", 2: "b", 3: [4]}
    with pytest.raises(ValueError, match="Key had 2 elements, but value had 1 elements"):
        nest.flatten_dict_items({(1, 2): 3})
    with pytest.raises(ValueError, match="this key is not unique: 1"):
        nest.flatten_dict_items({(1, 2): (3, 4), 1: 5})
    with pytest.raises(TypeError, match="instead of 'list'"):
        nest.flatten_dict_items([1])
