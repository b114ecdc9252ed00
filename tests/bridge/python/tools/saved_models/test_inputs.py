"""Values of inputs from files, literals and examples."""

import pickle

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.tools.saved_models.inputs import (
    load_inputs_from_input_arg_string,
    preprocess_input_examples_arg_string,
    preprocess_input_exprs_arg_string,
    preprocess_inputs_arg_string,
)


def test_files_with_and_without_names():
    assert preprocess_inputs_arg_string("a=/x=1/f.npz[left];b=g") == {
        "a": ("/x=1/f.npz", "left"),
        "b": ("g", None),
    }
    for wrong in ("a", "a=f[[b]c", "=f", "a=f[b]c"):
        with pytest.raises(RuntimeError, match="format is incorrect"):
            preprocess_inputs_arg_string(wrong)


def test_expressions_are_literals_unless_unsafe():
    assert preprocess_input_exprs_arg_string("a={'k': 'x=y'};b=[1, 2.5]") == {
        "a": {"k": "x=y"},
        "b": [1, 2.5],
    }
    with pytest.raises(RuntimeError, match="not a valid python literal"):
        preprocess_input_exprs_arg_string("a=np.zeros(2)")
    np.testing.assert_array_equal(
        preprocess_input_exprs_arg_string("a=np.zeros(2)", safe=False)["a"], [0.0, 0.0]
    )
    with pytest.raises(RuntimeError, match="format is incorrect"):
        preprocess_input_exprs_arg_string("a=1;b")


def test_examples_take_the_type_of_the_first_value():
    text = "x=[{'i': [1, 2], 'f': [0.5], 's': ['a', 'b'], 'b': [b'c']}]"
    example = tf.train.Example.FromString(preprocess_input_examples_arg_string(text)["x"][0])
    features = example.features.feature
    assert list(features["i"].int64_list.value) == [1, 2]
    assert list(features["f"].float_list.value) == [0.5]
    assert list(features["s"].bytes_list.value) == [b"a", b"b"]
    assert list(features["b"].bytes_list.value) == [b"c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x={'a': [1]}", "must be a list of dictionaries"),
        ("x=[{'a': 1}]", "feature value must be a list"),
        ("x=[{'a': []}]", "feature value must be a list with elements"),
        ("x=[{'a': [{}]}]", "is not supported"),
    ],
)
def test_malformed_examples(text, message):
    with pytest.raises(ValueError, match=message):
        preprocess_input_examples_arg_string(text)


def test_arrays_of_archives(tmp_path):
    np.savez(tmp_path / "two.npz", a=[1], b=[2])
    np.savez(tmp_path / "one.npz", a=[3])
    found = load_inputs_from_input_arg_string(
        f"x={tmp_path}/two.npz[b];y={tmp_path}/one.npz", "", "", allow_pickle=False
    )
    assert (found["x"].tolist(), found["y"].tolist()) == ([2], [3])
    with pytest.raises(RuntimeError, match="more than one"):
        load_inputs_from_input_arg_string(f"x={tmp_path}/two.npz", "", "")
    with pytest.raises(RuntimeError, match='does not contain variable with name "c"'):
        load_inputs_from_input_arg_string(f"x={tmp_path}/two.npz[c]", "", "")


def test_items_of_pickled_dictionaries(tmp_path):
    (tmp_path / "d.pkl").write_bytes(pickle.dumps({"a": 5}))
    given = f"x={tmp_path}/d.pkl[a];y={tmp_path}/d.pkl"
    assert load_inputs_from_input_arg_string(given, "", "") == {"x": 5, "y": {"a": 5}}


def test_objects_in_arrays_need_consent(tmp_path):
    np.save(tmp_path / "o.npy", np.array([{}], object))
    with pytest.raises(ValueError, match="allow_pickle"):
        load_inputs_from_input_arg_string(f"x={tmp_path}/o.npy", "", "", allow_pickle=False)


def test_examples_go_before_literals_before_files(tmp_path):
    np.save(tmp_path / "a.npy", [1])
    files = ";".join(f"{key}={tmp_path}/a.npy[unused]" for key in "xyz")
    found = load_inputs_from_input_arg_string(files, "y=2;z=2", "z=[{'a': [1]}]")
    assert found["x"].tolist() == [1]
    assert found["y"] == 2
    assert isinstance(found["z"][0], bytes)
