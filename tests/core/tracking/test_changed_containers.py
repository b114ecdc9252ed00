"""Tracked lists and dicts are the user's own; those that were not only appended to cannot be saved, as in TensorFlow."""

import collections
import json

import pytest

import penstock as tf
from penstock._src.core.tracking.data_structures import List, Mapping, NoDependency


def one():
    return tf.Variable(1.0)


def saved(held, folder):
    path = tf.train.Checkpoint(held).write(str(folder / "c"))
    return [n.split("/.A")[0] for n, _ in tf.train.list_variables(path) if "VARIABLE" in n]


def test_a_tracked_list_or_dict_is_the_users_own():
    held = tf.Module()
    plain_list, plain_dict = [], {}
    held.list, held.dict = plain_list, plain_dict
    plain_list.append(3)
    plain_dict["a"] = 4
    held.list.append(5)
    held.dict["b"] = 6
    assert held.list == plain_list == [3, 5] and held.dict == plain_dict == {"a": 4, "b": 6}
    assert json.dumps([held.list, held.dict]) == '[[3, 5], {"a": 4, "b": 6}]'
    assert dict(held.dict) == {**held.dict} == plain_dict and [1] + held.list == [1, 3, 5]


CHANGES_OF_LISTS = {
    "pop": lambda values: values.pop(),
    "insert": lambda values: values.insert(0, one()),
    "replace": lambda values: values.__setitem__(0, one()),
    "replace slice": lambda values: values.__setitem__(slice(0, 2), [one()]),
    "delete": lambda values: values.__delitem__(0),
    "reverse": lambda values: values.reverse(),
    "clear": lambda values: values.clear(),
    "sort": lambda values: values.sort(key=id),
    "times 0": lambda values: values.__imul__(0),
}


@pytest.mark.parametrize("change", CHANGES_OF_LISTS.values(), ids=CHANGES_OF_LISTS)
def test_a_list_whose_variables_moved_is_not_saved(change, tmp_path):
    held = tf.Module()
    held.list = [one(), one()]
    assert saved(held, tmp_path) == ["list/0", "list/1"]
    change(held.list)
    with pytest.raises(ValueError, match="A list element was replaced"):
        saved(held, tmp_path)
    with pytest.raises(ValueError, match="A list element was replaced"):
        tf.saved_model.save(held, str(tmp_path / "m"))


def test_other_changes_of_lists_are_saved(tmp_path):
    held = tf.Module()
    held.list = [1, 2, 3]
    held.list.pop()
    held.list[0] = one()
    held.list += ["text", [one()]]
    held.list *= 1
    assert saved(held, tmp_path) == ["list/0", "list/3/0"]


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.pop("a"),
        lambda values: values.popitem(),
        lambda values: values.clear(),
        lambda values: values.setdefault("z", one()),
        lambda values: values.__ior__({"z": 1}),
    ],
)
def test_a_dict_changed_past_its_wrapper_is_not_saved(change, tmp_path):
    held = tf.Module()
    held.dict = {"a": one()}
    change(held.dict)
    with pytest.raises(ValueError, match="was modified outside the wrapper"):
        saved(held, tmp_path)


def test_a_dict_of_variables_under_other_keys_is_not_saved(tmp_path):
    held = tf.Module()
    held.dict = {"a": one()}
    held.dict["a"] = one()
    held.dict[1] = "text"
    assert saved(held, tmp_path) == ["dict/a"]
    held.dict[2] = []
    with pytest.raises(ValueError, match="contains a non-string key"):
        saved(held, tmp_path)


def test_no_dependency_in_containers(tmp_path):
    held = tf.Module()
    held.list = [NoDependency(one()), one()]
    held.dict = {"a": NoDependency([]), 1: NoDependency(one()), "c": one()}
    held.tuple = (NoDependency(one()), one())
    assert type(held.dict["a"]) is list and isinstance(held.tuple[0], tf.Variable)
    assert saved(held, tmp_path) == ["dict/c", "list/1", "tuple/1"]


def test_lists_and_mappings_that_only_grow():
    values, named = List([one()]), Mapping(a=one())
    with pytest.raises(ValueError, match="may be stored in a List object"):
        values.append(5)
    with pytest.raises(TypeError, match="only string keys"):
        named[1] = one()
    with pytest.raises(ValueError, match="append-only data structure"):
        named["a"] = one()
    assert not hasattr(values, "pop") and not hasattr(named, "pop")
    assert len(values) == 1 and values + [2] == [values[0], 2] and repr(List()) == "List([])"
    assert hash(values) and values != List(values) and list(named) == ["a"]


def test_named_tuples_with_another_constructor_are_not_saved(tmp_path):
    class Pair(collections.namedtuple("Pair", "a b")):
        def __new__(cls, both):
            return super().__new__(cls, both, both)

    held = tf.Module()
    held.pair = Pair(one())
    with pytest.raises(ValueError, match="not constructable from its _fields"):
        saved(held, tmp_path)
