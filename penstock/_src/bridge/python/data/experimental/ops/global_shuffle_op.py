"""Permutes all elements of a dataset that has random access."""

from typing import Any

from penstock._src.core.registry import raw
from penstock._src.data.options import Options
from penstock._src.data.transforms import seed_pair


def _global_shuffle(
    input_dataset: Any,
    seed: Any = None,
    reshuffle_each_iteration: bool = True,
    name: str | None = None,
) -> Any:
    first, second = seed_pair(seed)
    options = Options()
    options.experimental_warm_start = False  # it would draw the seeds of an iteration too early
    generator, _ = raw.AnonymousSeedGenerator(
        seed=first, seed2=second, reshuffle=reshuffle_each_iteration
    )
    return input_dataset.with_options(options)._same(
        "GlobalShuffleDataset",
        first,
        second,
        generator,
        reshuffle_each_iteration=reshuffle_each_iteration,
        name=name,
    )
