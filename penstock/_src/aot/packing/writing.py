"""Packs beside SavedModels."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import penstock._src.api.load  # noqa: F401  (tensors have their operators)
from penstock._src.aot.packing.recorder import THREADS, Recorder, Report
from penstock._src.aot.packing.signing import Maker
from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.filesystems import files
from penstock._src.filesystems.whole import write_whole
from penstock._src.native.target import LEVELS
from penstock._src.saving.saved_model import constants
from penstock._src.saving.saved_model.files import parsed
from penstock._src.saving.saved_model.load import load

BATCHES = (1, 2, 8)
_TEXT = b"a text of several words"


def pack_saved_model(
    folder: Any,
    key: Path | str,
    *,
    targets: Iterable[str] = LEVELS,
    threads: Iterable[int] = THREADS,
    batches: Sequence[int] = BATCHES,
    shapes: Mapping[str, Sequence[int]] | None = None,
    samples: Mapping[str, Any] | None = None,
    exercise: Callable[[], None] | None = None,
) -> Report:
    """Writes the machine code of a SavedModel into its folder, replacing an earlier pack.

    The model runs: each signature on samples, with each size of batches.

    Args:
      folder: of the SavedModel.
      key: the file of the maker's secret key.
      targets: processors, of LEVELS.
      threads: numbers of threads to lay kernels out for.
      batches: sizes of first extents that are open.
      shapes: of inputs that leave others open, by name, without the first.
      samples: values of inputs by name, of a batch of any size.
      exercise: runs the model in other ways, such as a server's.

    Returns:
      What the pack holds.

    Raises:
      InvalidArgumentError: an input leaves extents open, and there are neither shapes nor samples of it.
    """
    path = os.fsdecode(folder)
    maker = Maker(key)
    extra = os.path.join(path, constants.EXTRA_ASSETS_DIRECTORY)
    place = os.path.join(extra, constants.PACK_FILENAME)
    # The model is to be planned for this processor, not by an older pack.
    files.remove_if_there(place)
    with Recorder(targets, threads) as recorder:
        root = load(path)
        for name, function in root.signatures.items():
            for batch in batches:
                _, kinds = function.structured_input_signature
                function(**{
                    n: _sample(f"{name}: {n}", spec, batch, (shapes or {}).get(n), (samples or {}).get(n))
                    for n, spec in kinds.items()
                })  # fmt: skip
        if exercise is not None:
            exercise()
    data, report = recorder.sealed(maker, parsed(path)[1])
    files.make_folders(extra)
    write_whole(place, data)
    return report


def _sample(
    name: str, spec: Any, batch: int, shape: Sequence[int] | None, sample: Any
) -> np.ndarray:
    """A value for an input."""
    if spec.shape.rank is None:
        raise InvalidArgumentError(None, None, f"{name} has no rank: give a sample of it.")
    extents = list(spec.shape.as_list())
    opens = bool(extents) and extents[0] is None
    if sample is not None:
        values = np.asarray(sample)
        return np.resize(values, (batch, *values.shape[1:])) if opens else values
    if opens:
        extents[0] = batch
    if shape is not None:
        extents[int(opens) :] = shape
    if None in extents:
        raise InvalidArgumentError(
            None,
            None,
            f"{name} of shape {spec.shape} leaves extents open: give its shape or a sample.",
        )
    if spec.dtype is dtypes.string:
        return np.full(extents, _TEXT, object)
    return np.zeros(extents, spec.dtype.as_numpy_dtype)
