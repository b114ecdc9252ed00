"""Runs a recipe's model for batches of many sizes and lengths, through each of Keras's ways in, and counts what is compiled for them.

    make fuzz WHICH=models SHAPES=1

A recipe with "sizes" is such a run: [rows, length of unknown lengths, what is done] of each step. Every step begins with the same weights, so
that rounding does not add up, and shows the numbers that it gives and the weights that it leaves.
"""

from __future__ import annotations

import collections
import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.fuzz.models import data
from tests.fuzz.models.drawing.drawing import WIDTHS
from tests.fuzz.models.results import Results, numbers, one, outputs_of, weights_of

STEPS = 24
ROWS = (1, 1, 2, 3, 5, 7, 8, 11, 13, 16, 17, 32, 33)
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 11, 13, 16, 17)
PASSES, LEAK = 4, 1 << 18  # in each of so many passes over the steps, memory grew by so many bytes
MOST = 10  # programs of one function: for rows and lengths of 1 and more, and lengths on both sides of windows


def sizes_of(recipe: dict[str, Any]) -> list[list[Any]]:
    """The steps of a recipe's run, drawn from its seed."""
    random = data.stream(recipe, "many sizes")
    found: list[list[Any]] = []
    ways = [w for w in WAYS for _ in range(-(-STEPS // len(WAYS)))]
    for way in random.permutation(ways)[:STEPS]:
        rows, length = int(random.choice(ROWS)), int(random.choice(LENGTHS))
        kind = random.random()
        if kind < 0.15:
            length = rows  # equal by accident
        elif kind < 0.3:
            rows = int(random.choice(WIDTHS))
        found.append([rows, length, str(way)])
    return found


def run(tf: Any, recipe: dict[str, Any], model: Any, x: list[np.ndarray], watches: bool) -> Results:
    """The numbers of each step; where memory is watched, also the bytes by which it grows when the steps come again."""
    state, found = State(model), {}
    for i, (rows, length, way) in enumerate(recipe["sizes"]):
        found[f"step {i}: {way} of {rows} rows, length {length}"] = one_step(
            tf, recipe, model, x, state, i
        )
    if watches:
        found["memory"] = [np.array(growth(tf, recipe, model, x, state))]
    return found


class State:
    """The variables of a model and its optimizer, as they were first."""

    def __init__(self, model: Any) -> None:
        self.model = model
        model.optimizer.build(model.trainable_variables)
        self.values = [(v, np.array(v.numpy())) for v in self.variables()]

    def variables(self) -> list[Any]:
        """The variables that a step changes, without those of metrics."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def restore(self) -> None:
        """Gives all variables their first values."""
        for variable, value in self.values:
            variable.assign(value)
        self.model.reset_metrics()


def one_step(
    tf: Any, recipe: dict[str, Any], model: Any, x: list[np.ndarray], state: State, i: int
) -> list[np.ndarray]:
    """The numbers of a step; none if the model takes no such sizes."""
    rows, length, way = recipe["sizes"][i]
    state.restore()
    try:
        return WAYS[way](tf, recipe, model, batch_of(recipe, x, rows, length), i)
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):
        return []  # layers may ask for longer sequences: then they do in every way


def batch_of(
    recipe: dict[str, Any], x: list[np.ndarray], rows: int, length: int
) -> list[np.ndarray]:
    """Inputs of so many rows, whose unknown lengths are `length`."""
    made = []
    for spec, values in zip(recipe["inputs"], x):
        values = np.take(values, np.arange(rows) % len(values), 0)
        for axis, known in enumerate(spec.get("declared", ()), 1):
            if known is None:
                values = np.take(values, np.arange(length) % values.shape[axis], axis)
        made.append(values)
    return made


def targets_of(recipe: dict[str, Any], model: Any, batch: list[np.ndarray]) -> list[np.ndarray]:
    """Targets for a batch."""
    shapes = [p.shape for p in outputs_of(model.predict_on_batch(one(batch)))]
    return data.targets(recipe | {"rows": len(batch[0])}, shapes)


def trained(tf: Any, recipe: Any, model: Any, batch: list, i: int) -> list[np.ndarray]:
    """A step of training."""
    y = targets_of(recipe, model, batch)
    logs = model.train_on_batch(one(batch), one(y), return_dict=True)
    return [*numbers(logs), *weights_of(model)]


def tested(tf: Any, recipe: Any, model: Any, batch: list, i: int) -> list[np.ndarray]:
    """Losses and metrics."""
    y = targets_of(recipe, model, batch)
    return numbers(model.test_on_batch(one(batch), one(y), return_dict=True))


def predicted(tf: Any, recipe: Any, model: Any, batch: list, i: int) -> list[np.ndarray]:
    """Predictions of a batch."""
    return outputs_of(model.predict_on_batch(one(batch)))


def predicted_in_parts(tf: Any, recipe: Any, model: Any, batch: list, i: int) -> list[np.ndarray]:
    """Predictions of batches, of which the last may be smaller."""
    return outputs_of(model.predict(one(batch), batch_size=1 + i % 5, verbose=0))


def evaluated(tf: Any, recipe: Any, model: Any, batch: list, i: int) -> list[np.ndarray]:
    """Losses and metrics over batches, of which the last may be smaller."""
    y = targets_of(recipe, model, batch)
    size = 1 + i % 5
    return numbers(model.evaluate(one(batch), one(y), batch_size=size, verbose=0, return_dict=True))


def fitted(tf: Any, recipe: Any, model: Any, batch: list, i: int) -> list[np.ndarray]:
    """Three steps of training, on a dataset of this batch and the two before it."""
    steps = [recipe["sizes"][j] for j in (i, i - 1, i - 2)]
    batches = [batch_of(recipe, batch, rows, length) for rows, length, _ in steps]
    pairs = [(tuple(b), tuple(targets_of(recipe, model, b))) for b in batches]
    specs = tf.nest.map_structure(
        lambda *arrays: tf.TensorSpec(common(arrays), arrays[0].dtype), *pairs
    )
    dataset = tf.data.Dataset.from_generator(lambda: iter(pairs), output_signature=specs)
    if len(batch) == 1:
        dataset = dataset.map(lambda x, y: (x[0], y))
    if len(recipe["outputs"]) == 1:
        dataset = dataset.map(lambda x, y: (x, y[0]))
    history = model.fit(dataset, epochs=1, verbose=0).history
    return [*numbers({name: values[-1] for name, values in history.items()}), *weights_of(model)]


WAYS = {
    "train_on_batch": trained,
    "fit": fitted,
    "test_on_batch": tested,
    "predict_on_batch": predicted,
    "predict": predicted_in_parts,
    "evaluate": evaluated,
}


def common(arrays: tuple[np.ndarray, ...]) -> list[int | None]:
    """The shape that all arrays have; None for extents in which they differ, and for those of batches."""
    extents = list(zip(*[a.shape for a in arrays], strict=True))
    return [n[0] if axis and len(set(n)) == 1 else None for axis, n in enumerate(extents)]


def growth(tf: Any, recipe: dict[str, Any], model: Any, x: list[np.ndarray], state: State) -> int:
    """By how many bytes the process grew at least in passes over steps that it has made before."""
    least = 1 << 60
    steps = [i for i, step in enumerate(recipe["sizes"]) if step[2].endswith("on_batch")]
    for _ in range(PASSES):
        gc.collect()
        before = resident()
        for i in steps:
            one_step(tf, recipe, model, x, state, i)
        gc.collect()
        least = min(least, resident() - before)
        if least <= LEAK:
            break
    return least


def resident() -> int:
    """The bytes of this process that are in memory; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@contextlib.contextmanager
def counting() -> Iterator[collections.Counter]:
    """Counts meanwhile how often each block is compiled; Penstock's alone has any."""
    from penstock._src.compiler.blocks.block import Block

    made: collections.Counter = collections.Counter()
    specialize = Block.specialize

    def counted(block: Any, values: Any) -> Any:
        made[block] += 1
        return specialize(block, values)

    Block.specialize = counted  # type: ignore[method-assign]
    try:
        yield made
    finally:
        Block.specialize = specialize  # type: ignore[method-assign]


def most_made(made: collections.Counter) -> list[Any]:
    """The name of the block that was compiled most often, and how often."""
    block, count = next(iter(made.most_common(1)), (None, 0))
    return ["" if block is None else block.section.name, count]
