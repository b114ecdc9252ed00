"""Functions of compat.v1 that are rows of a table: signatures, older names of arguments, what is passed on."""

import inspect

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.registry import raw
from penstock._src.v1.names import table

v1 = tf.compat.v1
X = np.float32([[1, 2, 3], [0, 1, 0]])


@pytest.mark.parametrize("attribute", table._ROWS)
def test_rows_make_functions_with_documented_parameters(attribute):
    function = getattr(table, attribute)
    parameters = inspect.signature(function).parameters
    words = [w for w in table._ROWS[attribute].parameters.split() if w[0] != "+"]
    assert len(parameters) == len(words) and function.__doc__
    for word, parameter in zip(words, parameters, strict=True):
        assert word.lstrip("-").startswith(parameter)
        if ">" in word:
            assert f"`{parameter}` is an older name of" in function.__doc__


@pytest.mark.parametrize("attribute", [a for a, r in table._ROWS.items() if ">" in r.parameters])
def test_two_names_of_one_argument_are_refused(attribute):
    function = getattr(table, attribute)
    for word in table._ROWS[attribute].parameters.split():
        older, is_older, newer = word.partition("=")[0].partition(">")
        if is_older and newer in inspect.signature(function).parameters:
            given = dict.fromkeys(
                (
                    n
                    for n, p in inspect.signature(function).parameters.items()
                    if p.default is p.empty
                ),
                1,
            )
            with pytest.raises(ValueError, match=f"both '{older}' and '{newer}'"):
                function(**{**given, older: 1, newer: 1})


def test_each_line_is_a_function():
    lines = [line for line in table._LINES.splitlines() if line and not line.startswith("#")]
    assert len(lines) == len(table._ROWS)


def test_python_binds_the_arguments():
    with pytest.raises(TypeError, match=r"argmax\(\) missing 1 required positional argument"):
        v1.argmax()
    with pytest.raises(TypeError, match="unexpected keyword argument 'dim'"):
        v1.argmax(X, dim=1)
    assert str(inspect.signature(v1.nn.crelu)) == "(features, name=None, axis=-1)"


def test_arguments_go_where_their_names_say():
    assert v1.arg_max(X, 1).numpy().tolist() == [2, 1]
    assert v1.assert_scalar(tf.constant(3.0)).shape == []
    assert v1.nn.in_top_k(X, [2, 0], 1).numpy().tolist() == [True, False]
    assert v1.to_int32(X).dtype == tf.int32
    assert v1.gather(X, [1], None, None, 1).numpy().tolist() == [[2], [1]]
    eroded = v1.nn.erosion2d(
        np.ones([1, 3, 3, 1], np.float32),
        np.zeros([2, 2, 1], np.float32),
        [1] * 4,
        [1] * 4,
        "VALID",
    )
    assert eroded.shape == [1, 2, 2, 1]
    relu = raw.QuantizedReluX
    quantized = [tf.cast([1, 9], tf.quint8), 6.0, 0.0, 255.0]
    for got, expected in zip(
        v1.nn.quantized_relu_x(*quantized), relu(*quantized, out_type=tf.quint8), strict=True
    ):
        np.testing.assert_array_equal(got.numpy(), expected.numpy())


def test_raw_bytes_are_numbers():
    assert v1.decode_raw(["ab"], tf.uint8).numpy().tolist() == [[97, 98]]
    assert v1.decode_raw(bytes=["ab"], out_type=tf.uint8).numpy().tolist() == [[97, 98]]
    with pytest.raises(ValueError):
        v1.decode_raw(out_type=tf.uint8)


def test_files_have_two_sets_of_names(tmp_path):
    path = str(tmp_path / "a" / "b")
    v1.gfile.MakeDirs(path)
    assert v1.gfile.IsDirectory(dirname=path) and v1.gfile.ListDirectory(str(tmp_path)) == ["a"]
    assert [found[0] for found in v1.gfile.Walk(str(tmp_path), in_order=False)][0] == path
    v1.gfile.DeleteRecursively(path)
    assert not v1.gfile.Exists(filename=path)
