"""Built-in functions in converted code, of tensors and datasets."""

import pytest

import penstock as tf
from penstock._src.bridge.python.autograph.core.converter import STANDARD_OPTIONS
from penstock._src.bridge.python.autograph.core.function_wrappers import FunctionScope
from penstock._src.bridge.python.autograph.operators import py_builtins


def test_extremes_of_scalars_and_of_vectors():
    values = [tf.constant(3), tf.constant(1), tf.constant(2)]
    assert py_builtins.min_(*values).numpy() == 1 and py_builtins.max_(*values).numpy() == 3
    assert py_builtins.max_(tf.constant([4, 6])).numpy() == 6
    assert py_builtins.min_([2, 1], key=lambda x: -x) == 2
    with pytest.raises(ValueError, match="rank 1"):
        py_builtins.max_(tf.ones([2, 2]))
    with pytest.raises(ValueError, match="not supported"):
        py_builtins.max_(tf.ones([2]), default=1)


def test_functions_of_datasets():
    data = tf.data.Dataset.range(3)
    assert [int(x) for x in py_builtins.abs_(data.map(lambda x: -x))] == [0, 1, 2]
    assert py_builtins.len_(data).numpy() == 3
    is_two, below = data.map(lambda x: x == 2), data.map(lambda x: x < 3)
    assert py_builtins.any_(is_two).numpy() and not py_builtins.all_(is_two).numpy()
    assert py_builtins.all_(below).numpy()
    with pytest.raises(tf.errors.InvalidArgumentError, match="definitive cardinality"):
        py_builtins.len_(data.repeat())
    with pytest.raises(ValueError, match="bool scalars"):
        py_builtins.any_(data)


def test_tensors_are_sorted_by_a_key():
    values = tf.constant([3, 1, 2])
    assert py_builtins.sorted_(values, key=lambda x: -x).numpy().tolist() == [3, 2, 1]
    assert py_builtins.sorted_(values, reverse=True).numpy().tolist() == [3, 2, 1]
    with pytest.raises(ValueError, match="1D tensors"):
        py_builtins.sorted_(tf.ones([2, 2]))


def test_an_iterator_has_a_default_of_its_type():
    @tf.function
    def read(iterator):
        return py_builtins.next_(iterator), py_builtins.next_(iterator, tf.constant(7, tf.int64))

    assert [int(x) for x in read(iter(tf.data.Dataset.range(1)))] == [0, 7]
    with pytest.raises(TypeError, match="same dtype"):
        py_builtins.next_(iter(tf.data.Dataset.range(1)), 7)


def test_values_are_printed_at_run_time(capfd):
    tf.function(lambda x: py_builtins.print_("x is", x, sep=":"))(tf.constant(5))
    assert capfd.readouterr().out == "x is:5\n"
    with pytest.raises(ValueError, match="invalid keyword"):
        py_builtins.print_(1, color="red")


def test_names_are_those_of_the_scope():
    def inner(scope):
        return py_builtins.eval_in_original_context(eval, ("hidden + 1",), scope)

    with FunctionScope("f", "scope_name", STANDARD_OPTIONS) as scope_name:
        hidden = 4
        assert py_builtins.locals_in_original_context(scope_name)["hidden"] == hidden
        assert py_builtins.globals_in_original_context(scope_name) is globals()
        assert inner(scope_name) == 5
