"""`tensorflow.python.checkpoint.functional_saver`: saves saveables by operations."""

import contextlib
from collections.abc import Sequence
from typing import Any

from penstock._src.api.config.devices import device as placed
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.dtypes import string
from penstock._src.core.registry import raw
from penstock._src.proto.saved import SaverDef
from penstock._src.saving.checkpoint import CheckpointOptions


class MultiDeviceSaver:
    """Saves and restores saveables, eagerly or by operations of a graph.

    Args:
      serialized_tensors: the tensors by object and key.
      registered_savers: accepted if empty.
      call_with_mapped_captures: accepted.
    """

    def __init__(
        self,
        serialized_tensors: Any,
        registered_savers: Any = None,
        call_with_mapped_captures: Any = None,
    ) -> None:
        del registered_savers, call_with_mapped_captures
        self._saveables: list[Any] = []
        self._tensors = serialized_tensors

    @classmethod
    def from_saveables(
        cls,
        saveables: Sequence[Any],
        registered_savers: Any = None,
        call_with_mapped_captures: Any = None,
    ) -> "MultiDeviceSaver":
        """Returns a saver of saveables."""
        made = cls({}, registered_savers, call_with_mapped_captures)
        made._saveables = list(saveables)
        return made

    def _specs(self) -> list[Any]:
        return [spec for saveable in self._saveables for spec in saveable.specs]

    def save(self, file_prefix: Any, options: CheckpointOptions | None = None) -> Any:
        """Writes the tensors; returns the prefix once that is done."""
        specs = self._specs()
        prefix = convert_to_tensor(file_prefix, string)
        device = (options or CheckpointOptions()).experimental_io_device
        with _on(device):
            written = raw.SaveV2(
                prefix=prefix,
                tensor_names=[spec.name for spec in specs],
                shape_and_slices=[spec.slice_spec for spec in specs],
                tensors=[spec.tensor for spec in specs],
            )
            if STATE.graph is None:
                return prefix
            with STATE.graph.control_dependencies([written]):
                return raw.Identity(input=prefix)

    def restore(self, file_prefix: Any, options: CheckpointOptions | None = None) -> dict[str, Any]:
        """Gives the saveables the values of a checkpoint; returns what does so by their names."""
        prefix = convert_to_tensor(file_prefix, string)
        device = (options or CheckpointOptions()).experimental_io_device
        made = {}
        for saveable in self._saveables:
            with _on(device):
                found = raw.RestoreV2(
                    prefix=prefix,
                    tensor_names=[spec.name for spec in saveable.specs],
                    shape_and_slices=[spec.slice_spec for spec in saveable.specs],
                    dtypes=[spec.dtype for spec in saveable.specs],
                )
            made[saveable.name] = saveable.restore(list(found), None)
        return {} if STATE.graph is None else made

    def to_proto(self) -> Any:
        """Adds the operations to the graph that is built; returns the SaverDef that names them.

        Raises:
          RuntimeError: no graph is built.
        """
        graph = STATE.graph
        if graph is None:
            raise RuntimeError("A saver is described by operations of a graph, and none is built.")
        filename = raw.Placeholder(dtype=string, shape=[], name="saver_filename")
        saved = self.save(filename)
        restored = [made for made in self.restore(filename).values() if made is not None]
        with graph.control_dependencies(restored):
            done = raw.Identity(input=filename)
        return SaverDef(
            filename_tensor_name=filename.name,
            save_tensor_name=saved.name,
            restore_op_name=done.op.name,
            version=SaverDef.V2,
        )


def _on(device: str | None) -> Any:
    return contextlib.nullcontext() if device is None else placed(device)
