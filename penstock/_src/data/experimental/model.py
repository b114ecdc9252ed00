"""The model of a running input pipeline."""

from typing import Any

from penstock._src.data.iterator import OwnedIterator
from penstock._src.ops.data.pipeline import Pipeline
from penstock._src.proto.data_model import ModelProto
from penstock._src.util.export import export


@export("data.experimental.get_model_proto")
def get_model_proto(iterator: Any) -> Any:
    """Returns the stages of an iterator's pipeline as a ModelProto, without measurements.

    Args:
      iterator: of a dataset; as NumPy iterator as well.

    Returns:
      A ModelProto.

    Raises:
      ValueError: `iterator` is not a tf.data iterator.
      NotFoundError: its options disable autotuning, without which pipelines have no model.
    """
    iterator = getattr(iterator, "_iterator", iterator)
    if not isinstance(iterator, OwnedIterator):
        raise ValueError("Only supports `tf.data.Iterator`-typed `iterator`.")
    model = ModelProto(output=1)
    handle: Any = iterator._handle
    _add(model, handle.dataset)
    model.id_counter = len(model.nodes) + 1
    return model


def _add(model: Any, pipeline: Pipeline) -> int:
    """Adds a stage and its inputs; returns its number."""
    number = len(model.nodes) + 1
    node = model.nodes[number]
    node.id, node.name = number, type(pipeline).__name__.strip("_")
    for value in vars(pipeline).values():
        parts = value if isinstance(value, (list, tuple)) else [value]
        node.inputs.extend(_add(model, part) for part in parts if isinstance(part, Pipeline))
    return number
