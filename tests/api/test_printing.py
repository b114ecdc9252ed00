"""tf.print of structures: what stands for a tensor, and what only looks so."""

import sys

import absl.logging
import numpy as np
import pytest

import penstock as tf


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function])
def test_braces_of_texts_are_no_places_of_tensors(wrap, capsys):
    wrap(lambda: tf.print("{}6", {"{}": tf.range(10) * 10}, output_stream=sys.stdout))()
    assert capsys.readouterr().out == "{}6 {'{}': [0 10 20 ... 70 80 90]}\n"


def test_composites_within_structures(capsys):
    sparse = tf.sparse.from_dense([0, 3])
    tf.print([sparse, tf.constant(1)], output_stream=sys.stdout)
    expected = "['SparseTensor(indices=[[1]], values=[3], shape=[2])', 1]\n"
    assert capsys.readouterr().out == expected


def test_values_of_every_kind(capsys):
    tf.print(tf.constant("text"), 2, None, np.float32(0.5), output_stream=sys.stdout, sep="|")
    assert capsys.readouterr().out == '"text"|2|None|np.float32(0.5)\n'


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
@pytest.mark.parametrize(
    ("values", "line"),
    [
        (lambda: ["a", tf.constant("x")], 'a "x"'),
        (lambda: [tf.constant("x")], "x"),
        (lambda: [tf.constant(['a "q"', "\n\x01é"])], '["a \\"q\\"" "\\n\\001é"]'),
        (
            lambda: [np.array([1, 2]), tf.TensorShape([2]), tf.float32],
            "array([1, 2]) TensorShape([2]) tf.float32",
        ),
        (
            lambda: [tf.IndexedSlices(tf.ones([1, 1]), tf.constant([0]), tf.constant([2, 1]))],
            "[[1]\n [0]]",
        ),
        (lambda: [tf.zeros([0]), tf.zeros([2, 0])], "[] [\n ...]"),
        (lambda: [tf.ragged.constant([[1.5], []]), 1], "[[1.500000], []] 1"),
        (lambda: [{"r": tf.ragged.constant([["it's"]])}], "{'r': [['it\\'s']]}"),
        (lambda: [tf.ragged.constant([[1] * 9])], "[[1, 1, 1, ..., 1, 1, 1]]"),
    ],
)
def test_values_as_tensorflow_prints_them(values, line, wrap, capsys):
    wrap(lambda: tf.print(*values(), output_stream=sys.stdout))()
    assert capsys.readouterr().out == line + "\n"


def test_bytes_that_are_no_text_reach_files(tmp_path):
    tf.print(tf.constant(b"\xff"), output_stream=f"file://{tmp_path / 'log'}")
    assert (tmp_path / "log").read_bytes() == b"\xff\n"


@pytest.mark.parametrize(
    ("stream", "letter"),
    [
        (tf.compat.v1.logging.info, "I"),
        (tf.compat.v1.logging.warn, "W"),
        (tf.compat.v1.logging.ERROR, "E"),
        (absl.logging.INFO, "I"),
        (absl.logging.WARNING, "W"),
        (absl.logging.error, "E"),
    ],
)
def test_print_to_the_log_of_the_runtime(stream, letter, capsys, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    for wrap in (lambda f: f, tf.function):
        wrap(lambda: tf.print("x", tf.range(2), output_stream=stream))()
        line = capsys.readouterr().err
        assert line.startswith(letter)
        assert "] x [0 1]\n" in line
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    tf.print("x", output_stream=stream)
    assert not capsys.readouterr().err


def test_print_refuses_other_levels():
    with pytest.raises(ValueError, match="Unsupported output stream, logging level"):
        tf.print("x", output_stream=tf.compat.v1.logging.debug)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Valid streams are: stdout stderr"):
        tf.raw_ops.PrintV2(input="x", output_stream="log(debug)")
