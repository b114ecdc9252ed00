"""Inputs, targets, weights: drawn by NumPy from a recipe's seed, so that both systems have the same."""

from __future__ import annotations

from typing import Any

import numpy as np


def stream(recipe: dict[str, Any], purpose: str) -> np.random.Generator:
    """A stream of random numbers of its own for each purpose."""
    return np.random.default_rng([recipe["seed"], *purpose.encode()])


def inputs(recipe: dict[str, Any]) -> list[np.ndarray]:
    """An array for each input."""
    random, rows = stream(recipe, "inputs"), recipe["rows"]
    found = []
    for spec in recipe["inputs"]:
        shape = (rows, *spec["shape"])
        if spec["kind"] == "ids":
            ids = random.integers(1, spec["high"], shape)
            if spec.get("padded") and len(shape) > 1:
                lengths = random.integers(1, shape[1] + 1, rows)
                ids = ids * (np.arange(shape[1]) < lengths[:, None]).reshape(
                    rows, shape[1], *[1] * (len(shape) - 2)
                )
            found.append(ids.astype("int32"))
        elif spec["kind"] == "image":
            found.append(random.uniform(0, 255, shape).astype("float32"))
        else:
            values = random.normal(size=shape).astype("float32")
            if spec.get("padded") and len(shape) > 2:
                lengths = random.integers(1, shape[1] + 1, rows)
                kept = np.arange(shape[1]) < lengths[:, None]
                values *= kept.reshape(rows, shape[1], *[1] * (len(shape) - 2))
            found.append(values)
    return found


def targets(recipe: dict[str, Any], shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """An array for each output, of the kind that its loss wants."""
    random, rows = stream(recipe, "targets"), recipe["rows"]
    return [
        target(random, output["target"], (rows, *shape[1:]))
        for output, shape in zip(recipe["outputs"], shapes)
    ]


def target(random: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Targets of one kind for predictions of a shape."""
    if kind == "any":
        return random.normal(size=shape).astype("float32")
    if kind == "positive":
        return random.uniform(0.1, 2, shape).astype("float32")
    if kind == "binary":
        return random.integers(0, 2, shape).astype("float32")
    if kind == "sign":
        return (random.integers(0, 2, shape) * 2 - 1).astype("float32")
    if kind == "ids":
        return random.integers(0, shape[-1], shape[:-1]).astype("int32")
    if kind == "one hot":
        return np.eye(shape[-1], dtype="float32")[random.integers(0, shape[-1], shape[:-1])]
    if kind == "distribution":
        values = random.uniform(0.1, 1, shape)
        return (values / values.sum(-1, keepdims=True)).astype("float32")
    if kind == "labels":  # CTC: shorter than the sequence, from 1 on; 0 pads
        return random.integers(1, shape[-1], (shape[0], max(1, shape[1] // 3))).astype("int32")
    raise ValueError(f"kind of target: {kind}")


def set_weights(recipe: dict[str, Any], model: Any, nudge: float, nudge_seed: int) -> None:
    """Gives the model's trainable weights numbers of the recipe's seed, each changed by about `nudge` of itself."""
    random, change = stream(recipe, "weights"), np.random.default_rng(nudge_seed)
    for weight in model.trainable_variables:
        fan_in = max(1, int(np.prod(weight.shape[:-1])))
        values = random.normal(size=weight.shape)
        if len(weight.shape) == 1:
            values = values * 0.1 + ("gamma" in weight.name or "scale" in weight.name)
        else:
            values = values / np.sqrt(fan_in)
        weight.assign(nudged(values, nudge, change))


def nudged(values: np.ndarray, nudge: float, change: np.random.Generator) -> np.ndarray:
    """The values as float32, each changed by about `nudge` of itself."""
    if nudge:
        values = values * (1 + nudge * change.normal(size=np.shape(values)))
    return np.asarray(values, "float32")
