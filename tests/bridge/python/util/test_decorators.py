"""The decorators below tensorflow.python.util: records, deprecation, parameters and public names."""

import enum
import functools
from unittest import mock

import pytest

import penstock as tf
from penstock._src.bridge import tensorflow_alias

tensorflow_alias.install()

from tensorflow.python.platform import tf_logging  # noqa: E402
from tensorflow.python.util import (  # noqa: E402
    decorator_utils,
    deprecation,
    function_utils,
    keyword_args,
    tf_contextlib,
    tf_decorator,
    tf_export,
    tf_inspect,
)


def doubled(function):
    def wrapper(x):
        return 2 * wrapper.__wrapped__(x)

    return tf_decorator.make_decorator(function, wrapper)


def test_the_function_below_decorators_is_exchanged():
    @doubled
    @doubled
    def add(x):
        return x + 1

    records, below = tf_decorator.unwrap(add)
    assert [record.decorator_name for record in records] == ["doubled", "doubled"]
    tf_decorator.rewrap(add, below, lambda x: x)
    assert add(3) == 12 and tf_inspect.getfullargspec(add).args == ["x"]


def test_a_context_manager_shows_its_parameters():
    @tf_contextlib.contextmanager
    def given(a, b=2):
        yield a + b

    with given(1) as value:
        assert value == 3
    assert tf_inspect.getargspec(given).args == ["a", "b"]
    assert tf_decorator.unwrap(given)[0][0].decorator_name == "contextmanager"


def test_use_of_what_is_deprecated_is_warned_of_once():
    @deprecation.deprecated("2030-01-02", "Do it yourself.")
    def old():
        """Does it.

        Well.
        """
        return 1

    with mock.patch.object(tf_logging, "warning") as warning:
        assert old() + old() == 2
    text = warning.call_args[0][0] % warning.call_args[0][1:]
    assert warning.call_count == 1 and __file__ in text and "removed after 2030-01-02" in text
    assert old.__doc__.startswith(
        "Does it. (deprecated)\n\nDeprecated: THIS FUNCTION IS DEPRECATED."
    )
    assert not isinstance(deprecation.logging.warning, mock.Mock)


def test_classes_arguments_and_values_are_deprecated():
    @deprecation.deprecated(None, "Use ints.")
    class Kind(enum.Enum):
        ONE = 1

    @deprecation.deprecated_args(None, "Leave it out.", "b", warn_once=False)
    def adds(a, b=0):
        return a + b

    @deprecation.deprecated_arg_values(None, "Use another.", a=1, warn_once=False)
    def takes(a=1):
        return a

    with mock.patch.object(tf_logging, "warning") as warning:
        assert Kind(1) is Kind.ONE and warning.call_count == 1
        assert adds(1) == 1 and warning.call_count == 1
        assert adds(1, b=2) == 3 and warning.call_count == 2
        assert takes(2) == 2 and warning.call_count == 2
        assert takes() == 1 and warning.call_count == 3
        with deprecation.silence():
            assert takes() == 1 and warning.call_count == 3
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        deprecation.deprecated("tomorrow", "Hurry.")
    with pytest.raises(ValueError, match="missing"):
        deprecation.deprecated_args(None, "Leave it out.", "missing")(adds.__wrapped__)


def test_facts_about_callables():
    def function(a, b, **more):
        return a, b, more

    partial = functools.partial(function, 1)
    assert function_utils.fn_args(partial) == ("b",) and function_utils.has_kwargs(partial)
    assert tf_inspect.getargspec(functools.partial(function, b=2)).defaults == (2,)
    assert function_utils.get_func_code(partial) is None
    with pytest.raises(ValueError, match="accepts keyword|only accepts"):
        keyword_args.keyword_args_only(function)(1)
    with pytest.raises(ValueError, match="not a function"):
        decorator_utils.validate_callable(3, "deprecated")


def test_public_names_of_symbols():
    @tf_export.tf_export("mine.first", "mine.second", v1=["old.mine"])
    def mine():
        return 1

    assert tf_export.get_v2_names(mine) == ["mine.first", "mine.second"]
    assert tf_export.get_symbol_from_name("compat.v1.old.mine") is mine
    assert tf_export.get_canonical_name_for_symbol(tf.reduce_sum) == "math.reduce_sum"
    assert tf_export.get_symbol_from_name("math.reduce_sum") is tf.reduce_sum
