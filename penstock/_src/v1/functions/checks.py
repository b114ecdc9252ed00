"""Assertions of TensorFlow 1 that return what those of TensorFlow 2 do not."""

from penstock._src.api.control.scopes import no_op
from penstock._src.api.debugging import asserts, shape_asserts
from penstock._src.api.extending.dispatch import unary
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, scope_in_graph
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
