"""`tensorflow.python.checkpoint.checkpoint`: what checkpoints hold, and which variables objects have."""

import os
from typing import Any

from penstock._src.bridge.internals.tracking import ObjectGraphView
from penstock._src.eager.variable import Variable
from penstock._src.ops.io.bundle import BundleReader
from penstock._src.proto.saved import TrackableObjectGraph
from penstock._src.saving.object_graph import GRAPH_KEY

from . import util


def list_objects(root_trackable: Any) -> list[Any]:
    """Returns the objects that a checkpoint of `root_trackable` holds, with the slots of optimizers."""
    return util.list_objects(ObjectGraphView(root_trackable))


def gather_initializers(root_trackable: Any) -> list[Any]:
    """Returns the operations that initialize the variables of a checkpoint."""
    found = [getattr(held, "initializer", None) for held in list_objects(root_trackable)]
    return [initializer for initializer in found if initializer is not None]


def object_metadata(save_path: Any) -> Any:
    """Returns the TrackableObjectGraph of a checkpoint.

    Raises:
      ValueError: it was written by names.
    """
    reader = BundleReader(os.fsdecode(save_path))
    if GRAPH_KEY not in reader:
        raise ValueError(
            f'The specified checkpoint "{save_path}" does not appear to be object-based (saved with TF2) since it is '
            f'missing the key "{GRAPH_KEY}". Likely it was created with the TF1 name-based saver and does not contain '
            "an object dependency graph."
        )
    return TrackableObjectGraph.FromString(reader.read(GRAPH_KEY)[()])


def _default_getter(
    name: str, shape: Any, dtype: Any, initializer: Any = None, trainable: bool = True, **_: Any
) -> Variable:
    value = initializer
    if callable(initializer):
        value = lambda: initializer(shape, dtype=dtype)  # noqa: E731  # made where the variable is
    return Variable(value, trainable=trainable, name=name, dtype=dtype)


def add_variable(
    trackable: Any,
    name: str,
    shape: Any = None,
    dtype: Any = "float32",
    initializer: Any = None,
    trainable: bool = True,
) -> Any:
    """Makes a variable, and a dependency of `trackable` of it."""
    return trackable._add_variable_with_custom_getter(
        name=name,
        shape=shape,
        dtype=dtype,
        initializer=initializer,
        getter=_default_getter,
        trainable=trainable,
    )
