"""Assertions of TensorFlow 1, which return other values than those of TensorFlow 2."""

from penstock._src.api.control.scopes import no_op
from penstock._src.api.debugging import asserts, shape_asserts
from penstock._src.api.extending.dispatch import binary_assert, unary
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.util.export import export


@export(v1=["assert_scalar", "debugging.assert_scalar"])
def assert_scalar(tensor, name=None, message=None):
    """Raises ValueError unless `tensor` is a scalar; returns it."""
    tensor = convert_to_tensor(tensor)
    asserts.assert_scalar(tensor, message, name)
    return tensor


@unary(v1=["assert_integer", "debugging.assert_integer"])
def assert_integer(x, message=None, name=None):
    """Raises TypeError unless `x` is of an integer type; returns an operation that does nothing, in a graph."""
    with scope_in_graph(name, "assert_integer"):
        shape_asserts.check_integer(x, message)
        return None if STATE.graph is None else no_op(name="statically_determined_was_integer")


@binary_assert(v1=["assert_equal", "debugging.assert_equal"])
def assert_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x == y everywhere."""
    return asserts.check_equal(x, y, data, summarize, message, name)


@binary_assert(v1=["assert_none_equal", "debugging.assert_none_equal"])
def assert_none_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x != y everywhere."""
    return asserts.compare("!=", raw.NotEqual, x, y, data, summarize, message, name)


@binary_assert(v1=["assert_less", "debugging.assert_less"])
def assert_less(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x < y everywhere."""
    return asserts.compare("<", raw.Less, x, y, data, summarize, message, name)


@binary_assert(v1=["assert_less_equal", "debugging.assert_less_equal"])
def assert_less_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x <= y everywhere."""
    return asserts.compare("<=", raw.LessEqual, x, y, data, summarize, message, name)


@binary_assert(v1=["assert_greater", "debugging.assert_greater"])
def assert_greater(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x > y everywhere."""
    return asserts.compare(">", raw.Greater, x, y, data, summarize, message, name)


@binary_assert(v1=["assert_greater_equal", "debugging.assert_greater_equal"])
def assert_greater_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x >= y everywhere."""
    return asserts.compare(">=", raw.GreaterEqual, x, y, data, summarize, message, name)


@unary(v1=["assert_positive", "debugging.assert_positive"])
def assert_positive(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x > 0 everywhere."""
    scope = "assert_positive"
    return asserts.against_zero(">", raw.Greater, x, summarize, message, name, scope, data)


@unary(v1=["assert_negative", "debugging.assert_negative"])
def assert_negative(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x < 0 everywhere."""
    scope = "assert_negative"
    return asserts.against_zero("<", raw.Less, x, summarize, message, name, scope, data)


@unary(v1=["assert_non_negative", "debugging.assert_non_negative"])
def assert_non_negative(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x >= 0 everywhere."""
    scope = "assert_non_negative"
    return asserts.against_zero(">=", raw.GreaterEqual, x, summarize, message, name, scope, data)


@unary(v1=["assert_non_positive", "debugging.assert_non_positive"])
def assert_non_positive(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless x <= 0 everywhere."""
    scope = "assert_non_positive"
    return asserts.against_zero("<=", raw.LessEqual, x, summarize, message, name, scope, data)


@binary_assert(v1=["assert_near", "debugging.assert_near"])
def assert_near(x, y, rtol=None, atol=None, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError, with `data` or the values, unless |x - y| < atol + rtol * |y| everywhere."""
    with scope_in_graph(name, "assert_near"):
        return asserts.near(x, y, rtol, atol, message, summarize, data)
