"""Methods of Dataset that write elements to files, and read them again.

A saved dataset is a folder: `elements.tfrecord` holds a serialised tensor per component of each
element, `dataset_spec.pb` the structure of TypeSpecs.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

from penstock._src.core import dtypes, errors
from penstock._src.core.dispatch import STATE
from penstock._src.data import structure
from penstock._src.eager.tensor import EagerTensor
from penstock._src.function.structured_values import decode, encode
from penstock._src.ops.data import storage
from penstock._src.ops.data.pipeline import Element, Run
from penstock._src.ops.data.source import GeneratorPipeline
from penstock._src.proto.saved import StructuredValue
from penstock._src.util import records

_ELEMENTS = "elements.tfrecord"
_SPEC = "dataset_spec.pb"


class Stored:
    """The part of Dataset about files of elements."""

    element_spec: Any
    _variant_tensor: Any

    def save(
        self,
        path: str,
        compression: str | None = None,
        shard_func: Callable[..., Any] | None = None,
        checkpoint_args: Any = None,
    ) -> None:
        """Writes all elements into the folder `path`.

        Args:
          path: a folder, made if there is none.
          compression: None or "GZIP".
          shard_func: not supported.
          checkpoint_args: not supported.
        """
        if shard_func is not None or checkpoint_args is not None:
            raise errors.UnimplementedError(
                "Dataset.save: `shard_func` and `checkpoint_args` are not supported."
            )
        if STATE.graph is not None:
            raise errors.UnimplementedError("Dataset.save is only supported eagerly.")
        os.makedirs(path, exist_ok=True)
        temporary = os.path.join(path, _ELEMENTS + ".tmp")
        file = records.RecordFile(open(temporary, "wb"), compression or "")
        run = Run()
        try:
            elements = iter(self._variant_tensor._value.iterate(run))
            for _ in storage.write_elements(
                file, elements, structure.flat_types(self.element_spec)
            ):
                continue
        finally:
            run.close()
            file.close()
        with open(os.path.join(path, _SPEC), "wb") as saved:
            saved.write(encode(self.element_spec).SerializeToString())
        os.replace(temporary, os.path.join(path, _ELEMENTS))

    @staticmethod
    def load(
        path: str,
        element_spec: Any = None,
        compression: str | None = None,
        reader_func: Callable[..., Any] | None = None,
        wait: bool = False,
    ) -> Any:
        """Returns the dataset that `save` wrote.

        Args:
          path: the folder.
          element_spec: the structure of TypeSpecs of the elements.
          compression: as given to `save`.
          reader_func: not supported.
          wait: not supported.
        """
        from penstock._src.data.dataset import derived

        if reader_func is not None or wait:
            raise errors.UnimplementedError(
                "Dataset.load: `reader_func` and `wait` are not supported."
            )
        file = os.path.join(path, _ELEMENTS)
        if not os.path.exists(file):
            raise errors.NotFoundError(f"{path}: there is no saved dataset.")
        if element_spec is None:
            with open(os.path.join(path, _SPEC), "rb") as saved:
                element_spec = decode(StructuredValue.FromString(saved.read()))
        types = structure.flat_types(element_spec)

        def make() -> Iterator[Element]:
            return storage.read_elements(file, len(types), compression or "")

        pipeline = GeneratorPipeline(make)
        pipeline.types, pipeline.shapes = tuple(types), tuple(structure.flat_shapes(element_spec))
        return derived("_LoadDataset", EagerTensor(pipeline, dtypes.variant), element_spec)

    def snapshot(
        self,
        path: str,
        compression: str | None = "AUTO",
        reader_func: Callable[..., Any] | None = None,
        shard_func: Callable[..., Any] | None = None,
        name: str | None = None,
    ) -> Any:
        """Returns the dataset that keeps its elements in the folder `path` once they have been made
        in a whole iteration, also for later programs.

        Args:
          path: the folder.
          compression: accepted.
          reader_func: not supported.
          shard_func: not supported.
          name: of the op.
        """
        if reader_func is not None or shard_func is not None:
            raise errors.UnimplementedError(
                "Dataset.snapshot: `reader_func` and `shard_func` are not supported."
            )
        return self.cache(os.path.join(path, "snapshot"), name=name)  # type: ignore[attr-defined]
