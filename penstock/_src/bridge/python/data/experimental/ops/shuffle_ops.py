"""Shuffling of the positions of elements in files: `tensorflow.python.data.experimental.ops.shuffle_ops`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.random.functions import index_shuffle as shuffled_position
from penstock._src.core.registry import raw
from penstock._src.data.dataset import DatasetV2
from penstock._src.data.experimental.transforms import at


def _process_file_infos(file_infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns the elements read from files.

    Args:
      file_infos: a "path" and "num_elements" for each file, and maybe how many elements to "skip" and to "take": -1 means
        all.

    Returns:
      The "files" and the "num_elements" that are read. If elements are left out, element i of those that are read is
      element i + "offsets"[t] of all, where t is the last of "thresholds" that is not above i.
    """
    offsets, thresholds = [], []
    read = passed = 0
    for info in file_infos:
        count = info["num_elements"]
        for key in ("skip", "take"):
            if info.get(key, 0) < -1:
                raise ValueError(f"`{key}` should be greater than `-1` but got {info[key]}")
        skip, take = info.get("skip", 0), info.get("take", -1)
        skip = count if skip == -1 else min(skip, count)
        take = count - skip if take == -1 else min(take, count - skip)
        thresholds.append(read)
        offsets.append(passed + skip)
        read += take
        passed += count - take
    facts: dict[str, Any] = {"files": [info["path"] for info in file_infos], "num_elements": read}
    if passed:
        facts["offsets"] = np.array(offsets, np.int64)
        facts["thresholds"] = np.array(thresholds, np.int64)
    return facts


def _adjust_index(index: Any, thresholds: Any, offsets: Any) -> Any:
    """Returns the position among all elements of element `index` of those that are read."""
    below = raw.Cast(x=raw.LessEqual(x=thresholds, y=index), DstT=np.int32)
    last = raw.Sum(input=below, axis=0) - 1
    return index + raw.GatherV2(params=offsets, indices=last, axis=0)


def index_shuffle(
    file_infos: Sequence[dict[str, Any]],
    reader_factory: Callable[[Sequence[str]], Any],
    seed: Any = None,
    reshuffle_each_iteration: Any = False,
    num_parallel_calls: Any = -1,
) -> Any:
    """Returns the dataset of elements of files in random order: positions are shuffled, elements read at them.

    Args:
      file_infos: see `_process_file_infos`.
      reader_factory: a function of the names of files to a dataset of their elements, read by position.
      seed: of the order.
      reshuffle_each_iteration: whether each iteration has another order.
      num_parallel_calls: how many elements are read at once.
    """
    facts = _process_file_infos(file_infos)

    def in_order_of(seeds: Any) -> Any:
        elements = reader_factory(facts["files"])

        def read(position: Any) -> Any:
            place = shuffled_position(position, seeds, facts["num_elements"] - 1)
            if "offsets" in facts:
                place = _adjust_index(place, facts["thresholds"], facts["offsets"])
            return at(elements, place)

        positions = DatasetV2.range(facts["num_elements"])
        return positions.map(read, num_parallel_calls=num_parallel_calls)

    seeds = DatasetV2.random(seed=seed, rerandomize_each_iteration=reshuffle_each_iteration)
    return seeds.take(2).batch(2, drop_remainder=True).flat_map(in_order_of)
