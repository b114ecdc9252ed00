"""`tensorflow.python.checkpoint.checkpoint`: what checkpoints hold, and which variables objects have."""

import os
from typing import Any

from penstock._src.api.array.creation import zeros
from penstock._src.bridge.internals.tracking import ObjectGraphView
from penstock._src.bridge.python.util.object_identity import ObjectIdentityDictionary
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.ops.io.bundle import BundleReader
from penstock._src.proto.saved import TrackableObjectGraph
from penstock._src.saving.checkpoint import read_objects, write_objects
from penstock._src.saving.metrics import CHECKPOINT_V1, CHECKPOINT_V2, size_of
from penstock._src.saving.object_graph import GRAPH_KEY, ObjectView
from penstock._src.saving.restoration import Assignments
from penstock._src.saving.serialized import Reads, serialized
from penstock._src.saving.status import InitializationOnlyStatus
from penstock._src.v1.saving.saveables import SaveSpec
from penstock._src.v1.variables.initializers import GlorotUniform
from penstock._src.v1.variables.templates import capture_dependencies

from . import util
from .functional_saver import MultiDeviceSaver
from .save_util_v1 import frozen_saveables_and_savers

_CHECKPOINT_V1, _CHECKPOINT_V2 = CHECKPOINT_V1, CHECKPOINT_V2
_get_checkpoint_size = size_of


class TrackableSaver:
    """Saves and restores the objects of a view; `tf.train.Checkpoint` counts and manages what it writes.

    Args:
      graph_view: the objects.
    """

    def __init__(self, graph_view: Any) -> None:
        self._view = graph_view
        self._reads: Reads = {}
        self._assignments: Assignments = {}

    def _attached(self) -> dict[str, Any]:
        return {r.name: r.ref for r in self._view.attached_dependencies}

    def _gather_serialized_tensors(
        self, object_graph_tensor: Any = None
    ) -> tuple[Any, dict[Any, Any], dict[str, dict[str, Any]], Any]:
        """Returns the tensors by object and key, feeds, the objects of registered savers, and the message of the graph."""
        serialized_values = serialized(ObjectView(self._view.root, self._attached()), self._reads)
        tensors: Any = ObjectIdentityDictionary()
        for key, tensor in serialized_values.tensors.items():
            tensors.setdefault(serialized_values.owners[key], {})[key] = _of_its_device(
                serialized_values.owners[key], key, tensor
            )
        if object_graph_tensor is None:
            object_graph_tensor = convert_to_tensor(serialized_values.graph.SerializeToString())
        tensors[None] = {GRAPH_KEY: object_graph_tensor}
        return tensors, {}, serialized_values.registered, serialized_values.graph

    def save(
        self,
        file_prefix: Any,
        checkpoint_number: int | None = None,
        session: Any = None,
        options: Any = None,
    ) -> str:
        """Writes a checkpoint; returns its path.

        Args:
          file_prefix: the beginning of the files' names.
          checkpoint_number: is put after it.
          session: has the values of a graph.
          options: a CheckpointOptions.
        """
        prefix = os.fsdecode(file_prefix.numpy() if hasattr(file_prefix, "numpy") else file_prefix)
        if checkpoint_number is not None:
            prefix = f"{prefix}-{int(checkpoint_number)}"
        return write_objects(
            self._view.root, self._attached(), prefix, options, self._reads, session
        )

    def restore(self, save_path: Any, options: Any = None) -> Any:
        """Restores the objects, also those that are created later; returns a status."""
        if save_path is None:
            return InitializationOnlyStatus(self._view.root, self._attached())
        return read_objects(
            self._view.root, self._attached(), os.fsdecode(save_path), options, self._assignments
        )


def _of_its_device(owner: Any, key: str, tensor: Any) -> Any:
    """A value as it is, or as a SaveSpec that names the device of a variable of another task, whose value is here."""
    device = getattr(owner, "device", None)
    if (
        not isinstance(tensor, EagerTensor)
        or not isinstance(device, str)
        or device == tensor.device
    ):
        return tensor
    return SaveSpec(tensor, "", key, tensor.dtype, device)


def list_objects(root_trackable: Any) -> list[Any]:
    """Returns the objects that a checkpoint of `root_trackable` holds, with the slots of optimizers."""
    return util.list_objects(ObjectGraphView(root_trackable))


def frozen_saver(root_trackable: Any) -> MultiDeviceSaver:
    """Returns a saver of the objects as they are now: objects that come later are not saved."""
    return MultiDeviceSaver.from_saveables(
        *frozen_saveables_and_savers(ObjectGraphView(root_trackable))
    )


def gather_initializers(root_trackable: Any) -> list[Any]:
    """Returns the operations that initialize the variables of a checkpoint."""
    initializers = [
        getattr(trackable, "initializer", None) for trackable in list_objects(root_trackable)
    ]
    return [initializer for initializer in initializers if initializer is not None]


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
    if initializer is None:
        is_float = as_dtype(dtype).is_floating
        initializer = GlorotUniform() if is_float else lambda shape, dtype: zeros(shape, dtype)
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
