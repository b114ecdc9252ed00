"""Assertions with TensorFlow 1's order of arguments; in graphs they return an operation.

`data`, what TensorFlow 1 lets a failing assertion print besides the values, is accepted without effect.
"""

from penstock._src.api.debugging import asserts, shape_asserts
from penstock._src.util.export import export
from penstock._src.v1.names.arguments import either


@export(v1=["assert_equal", "debugging.assert_equal"])
def assert_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x == y` everywhere."""
    del data
    return asserts.assert_equal(x, y, message=message, summarize=summarize, name=name)


@export(v1=["assert_none_equal", "debugging.assert_none_equal"])
def assert_none_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x != y` everywhere."""
    del data
    return asserts.assert_none_equal(x, y, message=message, summarize=summarize, name=name)


@export(v1=["assert_less", "debugging.assert_less"])
def assert_less(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x < y` everywhere."""
    del data
    return asserts.assert_less(x, y, message=message, summarize=summarize, name=name)


@export(v1=["assert_less_equal", "debugging.assert_less_equal"])
def assert_less_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x <= y` everywhere."""
    del data
    return asserts.assert_less_equal(x, y, message=message, summarize=summarize, name=name)


@export(v1=["assert_greater", "debugging.assert_greater"])
def assert_greater(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x > y` everywhere."""
    del data
    return asserts.assert_greater(x, y, message=message, summarize=summarize, name=name)


@export(v1=["assert_greater_equal", "debugging.assert_greater_equal"])
def assert_greater_equal(x, y, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x >= y` everywhere."""
    del data
    return asserts.assert_greater_equal(x, y, message=message, summarize=summarize, name=name)


@export(v1=["assert_near", "debugging.assert_near"])
def assert_near(x, y, rtol=None, atol=None, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x` and `y` are close to one another everywhere."""
    del data
    return asserts.assert_near(x, y, rtol, atol, message, summarize, name)


@export(v1=["assert_negative", "debugging.assert_negative"])
def assert_negative(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x` is negative everywhere."""
    del data
    return asserts.assert_negative(x, message=message, summarize=summarize, name=name)


@export(v1=["assert_positive", "debugging.assert_positive"])
def assert_positive(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x` is positive everywhere."""
    del data
    return asserts.assert_positive(x, message=message, summarize=summarize, name=name)


@export(v1=["assert_non_negative", "debugging.assert_non_negative"])
def assert_non_negative(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x` is 0 or more everywhere."""
    del data
    return asserts.assert_non_negative(x, message=message, summarize=summarize, name=name)


@export(v1=["assert_non_positive", "debugging.assert_non_positive"])
def assert_non_positive(x, data=None, summarize=None, message=None, name=None):
    """Raises InvalidArgumentError unless `x` is 0 or less everywhere."""
    del data
    return asserts.assert_non_positive(x, message=message, summarize=summarize, name=name)


@export(v1=["assert_rank", "debugging.assert_rank"])
def assert_rank(x, rank, data=None, summarize=None, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has this rank."""
    del data, summarize
    return shape_asserts.assert_rank(x, rank, message, name)


@export(v1=["assert_rank_at_least", "debugging.assert_rank_at_least"])
def assert_rank_at_least(x, rank, data=None, summarize=None, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has this rank or more."""
    del data, summarize
    return shape_asserts.assert_rank_at_least(x, rank, message, name)


@export(v1=["assert_rank_in", "debugging.assert_rank_in"])
def assert_rank_in(x, ranks, data=None, summarize=None, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless `x` has one of these ranks."""
    del data, summarize
    return shape_asserts.assert_rank_in(x, ranks, message, name)


@export(v1=["assert_scalar", "debugging.assert_scalar"])
def assert_scalar(tensor, name=None, message=None):
    """Raises ValueError unless `tensor` is a scalar; returns it."""
    return shape_asserts.assert_scalar(tensor, message, name)


export(v1=["assert_integer", "debugging.assert_integer"])(shape_asserts.assert_integer)
export(v1=["assert_type", "debugging.assert_type"])(shape_asserts.assert_type)


@export(v1=["debugging.assert_shapes"])
def assert_shapes(shapes, data=None, summarize=None, message=None, name=None):
    """Raises ValueError (InvalidArgumentError when it runs) unless tensors have these shapes."""
    return shape_asserts.assert_shapes(shapes, data, summarize, message, name)


@export(v1=["verify_tensor_all_finite", "debugging.assert_all_finite"])
def verify_tensor_all_finite(t=None, msg=None, name=None, x=None, message=None):
    """`x`, or InvalidArgumentError if it holds NaN or infinity."""
    x = either("x", x, "t", t)
    return asserts.assert_all_finite(x, either("message", message, "msg", msg), name)
