"""Writing checkpoints by functions: each call writes the values that objects have by then."""

from typing import Any

from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.errors import UnimplementedError
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.saving.object_graph import GRAPH_KEY, ObjectView
from penstock._src.saving.serialized import serialized
from penstock._src.saving.sharding import ShardByTaskPolicy


def in_function() -> bool:
    """True if a function is being traced."""
    return STATE.graph is not None and bool(STATE.graph.building_function)


def write_by_operations(root: Any, attached: Any, prefix: Any, options: Any) -> Tensor:
    """Adds the operation that writes a checkpoint to the function being traced; returns the prefix, once that is done.

    Raises:
      UnimplementedError: an object has a registered saver, or a policy divides the tensors into files.
    """
    contents = serialized(ObjectView(root, attached))
    if contents.registered:
        raise UnimplementedError(
            "Checkpoint.write: objects of registered savers cannot be saved by a tf.function. Received the savers "
            f"{sorted(contents.registered)}."
        )
    if not isinstance(options.experimental_sharding_callback, ShardByTaskPolicy | None):
        raise UnimplementedError(
            "Checkpoint.write: a tf.function writes one data file. Received the policy "
            f"{options.experimental_sharding_callback}."
        )
    slices = {key: t if isinstance(t, dict) else {"": t} for key, t in contents.tensors.items()}
    slices[GRAPH_KEY] = {"": convert_to_tensor(contents.graph.SerializeToString())}
    listed = [(key, part, tensor) for key, of in slices.items() for part, tensor in of.items()]
    names, parts, tensors = zip(*listed)
    place = convert_to_tensor(prefix)
    saved = raw.SaveV2(
        prefix=place,
        tensor_names=list(names),
        shape_and_slices=list(parts),
        tensors=list(tensors),
    )
    with STATE.graph.control_dependencies([saved]):
        return raw.Identity(input=place)
