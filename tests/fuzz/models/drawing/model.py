"""A whole recipe: inputs, a graph of layers, heads for the losses, and the training."""

from __future__ import annotations

import math
from typing import Any

from tests.fuzz.models.drawing import features, images, sequences, shapes, training
from tests.fuzz.models.drawing.drawing import MOST_ELEMENTS, MOST_WEIGHTS, Drawing

ANY = (
    features.dense, features.dense, features.normalization, features.activation, features.regularisation,
    features.formula, shapes.reshape, shapes.reshape, shapes.merge, shapes.merge, shapes.share, features.einsum,
    features.by_extent,
)  # fmt: skip
MOST_LAYERS = 9


def recipe_of(keras: Any, seed: int, any_lengths: bool = False) -> dict[str, Any]:
    """The recipe of a seed; most lengths of its sequences are unknown, if they are to be any."""
    keras.utils.clear_session(free_memory=False)
    keras.config.set_dtype_policy("float32")
    d = Drawing(keras, seed, any_lengths)
    begin(d)
    current = grow(d)
    policy = d.pick(*["float32"] * 8, "mixed_bfloat16", "mixed_float16")
    rows = d.pick(1, 2, 3, 5, 6, 7, 8, 10, 11, 13, 19, 33)
    outputs = [training.head(d, x, policy) for x in chosen_outputs(d, current)]
    return {
        "seed": seed, "policy": policy, "rows": rows, "inputs": d.inputs, "nodes": d.nodes,
        "outputs": outputs, "training": training.training(d, rows, outputs, policy),
    }  # fmt: skip


def begin(d: Drawing) -> None:
    """Draws the inputs."""
    kinds = [
        "features",
        "sequence",
        "image",
        "image",
        "ids",
        "line",
        "volume",
        "frames",
        "uint image",
    ]
    unknown = 0.3
    if d.any_lengths:
        kinds, unknown = [*kinds, "sequence", "sequence", "ids", "ids", "line"], 0.9
    for _ in range(d.pick(1, 1, 1, 2, 3)):
        kind = d.pick(*kinds)
        extent = lambda most: d.random.randint(1, most)  # noqa: E731
        if kind == "features":
            d.add_input(shape=[d.width()], kind="float")
        elif kind == "sequence":
            spec: dict[str, Any] = {
                "shape": [extent(9), d.width()],
                "kind": "float",
                "padded": d.maybe(0.4),
            }
            if d.maybe(unknown):
                spec["declared"] = [None, spec["shape"][1]]
            d.add_input(**spec)
        elif kind == "ids":
            spec = {
                "shape": [extent(9)],
                "kind": "ids",
                "high": d.pick(3, 10, 30),
                "padded": d.maybe(),
            }
            if d.maybe(unknown):
                spec["declared"] = [None]
            d.add_input(**spec)
        elif kind == "line":
            spec = {"shape": [d.random.randint(4, 24), d.pick(1, 2, 3, 8)], "kind": "float"}
            if d.any_lengths:
                spec["declared"] = [None, spec["shape"][1]]
            d.add_input(**spec)
        elif kind == "volume":
            d.add_input(shape=[extent(5), extent(5), extent(5), d.pick(1, 2, 3)], kind="float")
        elif kind == "frames":
            d.add_input(shape=[extent(4), extent(6), extent(6), d.pick(1, 2, 3)], kind="float")
        else:
            sides = [d.random.randint(3, 12), d.random.randint(3, 12)]
            d.add_input(
                shape=[*sides, d.pick(1, 2, 3, 3, 4, 8, 16)],
                kind="image" if kind == "uint image" else "float",
            )


def first_layers(d: Drawing, number: int) -> int:
    """What an input needs before other layers can take it."""
    spec, x = d.inputs[number], number
    if spec["kind"] == "ids":
        if d.maybe(0.15) and "declared" not in spec:
            return d.layer(
                x,
                "CategoryEncoding",
                num_tokens=spec["high"],
                output_mode=d.pick("multi_hot", "count"),
            )
        options = {"mask_zero": True} if d.maybe(0.6) else {}
        return d.layer(
            x, "Embedding", input_dim=spec["high"], output_dim=d.pick(1, 2, 4, 8, 16), **options
        )
    if spec["kind"] == "image":
        for _ in range(d.pick(0, 1, 1, 2)):
            x = images.augmentation(d, x)
        return d.layer(x, "Rescaling", scale=1 / 127.5, offset=-1.0)
    if spec.get("padded") and d.maybe(0.6):
        return d.layer(x, "Masking", mask_value=0.0)
    if len(spec["shape"]) == 1 and d.maybe(0.1):
        return d.layer(
            x,
            "Discretization",
            bin_boundaries=[-0.5, 0.0, 0.7],
            output_mode=d.pick("one_hot", "multi_hot"),
        )
    return x


def grow(d: Drawing) -> int:
    """Draws the layers; the last tensor."""
    ready = [first_layers(d, number) for number in range(len(d.inputs))]
    current = ready[0]
    for _ in range(d.random.randint(1, MOST_LAYERS)):
        if weights(d) > MOST_WEIGHTS:
            break
        if d.maybe(0.2):
            current = d.pick(*ready)
        step = d.pick(*families(d, current))
        made = step(d, current)
        if d.elements(made) > MOST_ELEMENTS or 0 in d.shape(made):
            if None not in d.shape(made) and len(d.shape(made)) > 1 and 0 not in d.shape(made):
                made = d.formula(
                    f"keras.ops.mean({{0}}, axis={list(range(1, len(d.shape(made))))})", made
                )
            else:
                d.nodes.pop()
                continue
        current = made
        ready.append(current)
    return current


def weights(d: Drawing) -> int:
    """How many weights there are so far."""
    layers = [v for k, v in d.space.items() if k.startswith("layer")]
    return sum(math.prod(w.shape) for layer in layers for w in layer.weights)


def families(d: Drawing, x: int) -> list[Any]:
    """What can follow a tensor of x's shape."""
    shape = d.shape(x)
    rank = len(shape)
    found = list(ANY)
    if rank >= 2 and None not in shape:
        found += [shapes.frame]
    if rank == 2:
        found += [
            sequences.recurrent,
            sequences.recurrent,
            sequences.attention,
            sequences.transformer,
        ]
    if 2 <= rank <= 4 and None not in shape[1:]:
        found += [images.convolution] * 4 + [images.pooling] * 2
    if rank in (3, 4) and None not in shape:
        found += [sequences.convolutional_recurrent, sequences.over_time]
    return found


def chosen_outputs(d: Drawing, current: int) -> list[int]:
    """The last tensor, and now and then another; all inputs reach one of them."""
    outputs = [current]
    if d.maybe(0.25):
        others = [
            i for i in range(len(d.inputs), d.count()) if "float" in d.dtype(i) and i != current
        ]
        if others:
            outputs.append(d.pick(*others))
    needed = reached(d, outputs)
    for number in range(len(d.inputs)):
        if number not in needed:
            outputs.append(first_layers(d, number))
    return outputs


def reached(d: Drawing, outputs: list[int]) -> set[int]:
    """All tensors that the outputs are computed from."""
    found, waiting = set(), list(outputs)
    while waiting:
        number = waiting.pop()
        if number in found:
            continue
        found.add(number)
        if number >= len(d.inputs):
            waiting += d.nodes[number - len(d.inputs)]["of"]
    return found
