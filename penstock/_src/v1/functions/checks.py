"""An assertion of TensorFlow 1 that returns its tensor."""

from penstock._src.api.debugging import asserts
from penstock._src.core.convert import convert_to_tensor
from penstock._src.util.export import export


@export(v1=["assert_scalar", "debugging.assert_scalar"])
def assert_scalar(tensor, name=None, message=None):
    """Raises ValueError unless `tensor` is a scalar; returns it."""
    tensor = convert_to_tensor(tensor)
    asserts.assert_scalar(tensor, message, name)
    return tensor
