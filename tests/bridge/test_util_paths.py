"""TensorFlow's utilities for decorators and inspection, at their private paths. As in TensorFlow 2.21."""

import functools

import pytest

import penstock as tf
from penstock._src.bridge.python.util import (
    decorator_utils,
    function_utils,
    keyword_args,
    lock_util,
    tf_decorator,
    tf_inspect,
)


def _doubled(function):
    def call(*args, **kwargs):
        return call.__wrapped__(*args, **kwargs) * 2

    return tf_decorator.make_decorator(function, call)


def test_decorated_functions_show_what_they_wrap():
    @_doubled
    def add(a, b=2, *, c=3):
        """The sum."""
        return a + b + c

    assert (add(1), add.__name__, add.__doc__) == (12, "add", "The sum.")
    ((record,), target) = tf_decorator.unwrap(add)
    assert record.decorator_name == "_doubled" and target(1) == 6
    assert tf_inspect.getargspec(add) == (["a", "b", "c"], None, None, (2, 3))
    assert tf_decorator.rewrap(add, target, lambda a: a) is add and add(5) == 10


def test_arguments_of_partials_and_methods():
    class Layer:
        def call(self, x, training=False, **kwargs):
            return x

    bound = functools.partial(Layer().call, training=True)
    assert function_utils.fn_args(Layer().call) == ("x", "training")
    assert function_utils.fn_args(bound) == ("x",) and function_utils.has_kwargs(bound)
    assert function_utils.get_func_name(Layer().call) == "Layer.call"
    with pytest.raises(ValueError, match="keyword-only"):
        tf_inspect.getargspec(functools.partial(lambda a, b: a, a=1))


def test_notices_stand_below_the_first_line():
    doc = decorator_utils.add_notice_to_docstring("Brief\n\n  More.", "Do.", "", "(old)", ["Gone."])
    assert doc == "Brief (old)\n\nWarning: Gone.\nDo.\n\nMore."


def test_groups_and_keywords():
    lock = lock_util.GroupLock(2)
    with lock.group(0), lock.group(0):
        assert not lock._free.acquire(False) or lock._free.release() is None
    with pytest.raises(ValueError, match="group_id"):
        lock.acquire(2)
    with pytest.raises(ValueError, match="only accepts keyword arguments"):
        keyword_args.keyword_args_only(lambda a: a)(1)


def test_parameters_of_dispatchable_functions_and_tf_functions_are_found():
    def scale(x, factor=2):
        return x * factor

    assert tf_inspect.getfullargspec(tf.rank).args == ["input", "name"]
    assert tf_inspect.getfullargspec(tf.function(scale)).defaults == (2,)
    assert tf_inspect.getcallargs(tf.where, True)["x"] is None
    records, wrapped = tf_decorator.unwrap(tf.function(scale))
    assert wrapped is scale
    assert [record.decorator_name for record in records] == ["tf.function"]
    with_gradient = tf.custom_gradient(lambda x, scale=3.0: (x * scale, lambda dy: dy))
    assert tf_inspect.getfullargspec(with_gradient).args == ["x", "scale"]
    result, gradient = with_gradient.__original_wrapped__(2.0)
    assert (result, gradient(5.0)) == (6.0, 5.0)
