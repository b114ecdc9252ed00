"""The tensors of a checkpoint as text."""

import argparse

import numpy as np
import pytest

import penstock as tf
from penstock._src.bridge.python.tools import inspect_checkpoint


@pytest.fixture
def path(tmp_path):
    matrix = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    return tf.train.Checkpoint(w=matrix, n=tf.Variable(3)).write(str(tmp_path / "ck"))


def printed(capsys, path, *args, **kwargs):
    inspect_checkpoint.print_tensors_in_checkpoint_file(path, *args, **kwargs)
    return capsys.readouterr().out.splitlines()


def test_all_tensors_are_printed_with_values_or_names_alone(capsys, path):
    values = printed(capsys, path, "", True)
    assert values[2:4] == ["tensor: n/.ATTRIBUTES/VARIABLE_VALUE (int32) []", "3"]
    assert values[-4:] == [
        "tensor: w/.ATTRIBUTES/VARIABLE_VALUE (float32) [2, 2]",
        "[[1. 2.]",
        " [3. 4.]]",
        "# Total number of params: 6",
    ]
    names = printed(capsys, path, "", False, all_tensor_names=True)
    assert [line.split(":")[0] for line in names[:-1]] == ["tensor"] * 3


def test_one_tensor_a_missing_one_and_a_list_of_all(capsys, path):
    assert printed(capsys, path, "w/.ATTRIBUTES/VARIABLE_VALUE", False)[1:3] == [
        "[[1. 2.]",
        " [3. 4.]]",
    ]
    assert printed(capsys, path, "x", False) == ["Tensor x not found in checkpoint"]
    lines = printed(capsys, path, "", False, count_exclude_pattern="^w")
    assert "w/.ATTRIBUTES/VARIABLE_VALUE (DT_FLOAT) [2,2]" in lines
    assert lines[-2:] == [
        "# Excluding 1 tensors (4 params) that match ^w when counting.",
        "# Total number of params: 2",
    ]


def test_a_checkpoint_that_is_not_there_is_named(capsys):
    (line,) = printed(capsys, "nothere", "", True)
    assert line.endswith("Failed to find any matching files for nothere")


def test_the_command_line_and_options_of_numpy(capsys, path):
    inspect_checkpoint.main(["--file_name", path, "--all_tensor_names"])
    assert capsys.readouterr().out.count("tensor: ") == 3
    before = np.get_printoptions()
    try:
        inspect_checkpoint.parse_numpy_printoption("precision=3")
        assert np.get_printoptions()["precision"] == 3
    finally:
        np.set_printoptions(**before)
    for text, message in (("foo=3", "is not a valid printoption"), ("foo", "not in the form k=v")):
        with pytest.raises(argparse.ArgumentTypeError, match=message):
            inspect_checkpoint.parse_numpy_printoption(text)
