"""Hashes that identify datasets."""

import hashlib
from typing import Any

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.data.iteration.seeds import SeedGenerator
from penstock._src.ops.data.pipeline import Pipeline

# Attributes of a pipeline that its elements do not depend on: its op, and facts that earlier iterations recorded.
_BESIDES = ("made_by", "plan", "known_width")


def _add(digest: Any, value: Any) -> None:
    """Adds what a value consists of to a hash; objects that differ between processes are hashed by their class alone."""
    digest.update(type(value).__name__.encode())
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype == object else value.tobytes()
        digest.update(repr((value.dtype, value.shape, content)).encode())
    elif isinstance(value, (list, tuple)):
        for part in value:
            _add(digest, part)
    elif isinstance(value, dict):
        _add(digest, sorted(value.items(), key=lambda item: str(item[0])))
    elif isinstance(value, Pipeline):
        _add(
            digest, {name: content for name, content in vars(value).items() if name not in _BESIDES}
        )
    elif isinstance(value, SeedGenerator):
        _add(digest, [value.seed, value.seed2, value.reshuffle])
    elif hasattr(value, "graph") and hasattr(value, "executable"):
        for op in value.graph._operations:
            _add(digest, [op.type, op.name, [t.name for t in op.inputs], dict(op.raw_op.attrs)])
        _add(digest, [tensor.name for tensor in value.outputs])
    elif hasattr(value, "arrays"):
        _add(digest, value.arrays)
    elif not hasattr(value, "__dict__") or hasattr(value, "as_datatype_enum"):
        digest.update(repr(value).encode())


def fingerprint(pipeline: Pipeline) -> np.uint64:
    """Returns a hash of the steps of a pipeline, their arguments and functions; equal in every process."""
    digest = hashlib.sha256()
    _add(digest, pipeline)
    return np.frombuffer(digest.digest()[:8], np.uint64)[0]


class DatasetFingerprint(Op):
    """A hash of the steps of a dataset, their arguments and functions."""

    signature = "input_dataset: variant -> fingerprint: uint64[]"

    def eager(self, input_dataset):
        return fingerprint(input_dataset)
