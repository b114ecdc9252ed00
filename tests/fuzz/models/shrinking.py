"""Reduces a recipe that differs: fewer tensors, fewer options, smaller sizes, as long as it still differs in the same way."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

from tests.fuzz.models.judging import Find, Judge

SECONDS = 300
# Entries of a training that it may lack.
OPTIONAL = (
    "sample_weight",
    "class_weight",
    "loss_weights",
    "steps_per_execution",
    "unknown_batch",
)
PLAIN_TRAINING = {
    "loop": "arrays", "step": "keras", "epochs": 1, "optimizer": {"$": "optimizers.SGD", "learning_rate": 0.01},
}  # fmt: skip
PLAIN_LOSS = {"$": "losses.MeanSquaredError"}


def shrink(judge: Judge, recipe: dict[str, Any], find: Find) -> tuple[dict[str, Any], list[Find]]:
    """The smallest recipe found that still has a find of the kind."""
    end = time.monotonic() + SECONDS
    progress = True
    while progress and time.monotonic() < end:
        progress = False
        for candidate in candidates(recipe):
            if time.monotonic() > end:
                break
            found = still(judge, candidate, find)
            if found is not None:
                recipe, find, progress = candidate, found, True
                break
    return recipe, [find]


def still(judge: Judge, recipe: dict[str, Any], find: Find) -> Find | None:
    """The candidate's find, if it has one of the kind."""
    found = judge.find(recipe, find.way)
    if found is None or found.kind != find.kind:
        return None
    if find.kind == "exception" and found.text.split(":")[0] != find.text.split(":")[0]:
        return None
    return found


def candidates(recipe: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Simpler recipes, the much simpler ones first."""
    first, total = len(recipe["inputs"]), len(recipe["inputs"]) + len(recipe["nodes"])
    plain = copy.deepcopy(recipe)
    plain["training"] |= PLAIN_TRAINING
    for name in OPTIONAL:
        plain["training"].pop(name, None)
    yield from changed(recipe, plain)
    if len(recipe["outputs"]) > 1:
        for index in range(len(recipe["outputs"])):
            less = copy.deepcopy(recipe)
            less["outputs"] = [copy.deepcopy(recipe["outputs"][index])]
            less["training"].pop("loss_weights", None)
            yield pruned(less)
    for number in range(first, total):  # the model ends earlier
        if not any(o["of"] == number for o in recipe["outputs"]) or len(recipe["outputs"]) > 1:
            less = copy.deepcopy(recipe)
            less["outputs"] = [{"of": number, "target": "any", "loss": PLAIN_LOSS}]
            less["training"].pop("class_weight", None)
            less["training"].pop("loss_weights", None)
            yield pruned(less)
    for index, output in enumerate(recipe["outputs"]):
        if output["loss"] != PLAIN_LOSS or output.get("metrics") or output.get("weighted_metrics"):
            less = copy.deepcopy(recipe)
            less["outputs"][index] = {"of": output["of"], "target": "any", "loss": PLAIN_LOSS}
            less["training"].pop("class_weight", None)
            yield less
        for name in ("metrics", "weighted_metrics"):
            for place in range(len(output.get(name, []))):
                less = copy.deepcopy(recipe)
                del less["outputs"][index][name][place]
                yield less
    for number in range(total - 1, first - 1, -1):  # a node becomes one of its inputs
        for source in recipe["nodes"][number - first]["of"]:
            yield pruned(renamed(recipe, number, source))
    for name, value in PLAIN_TRAINING.items():
        less = copy.deepcopy(recipe)
        less["training"][name] = copy.deepcopy(value)
        yield from changed(recipe, less)
    for name in OPTIONAL:
        if recipe["training"].get(name):
            less = copy.deepcopy(recipe)
            del less["training"][name]
            yield less
    for name in [k for k in recipe["training"]["optimizer"] if k not in ("$", "learning_rate")]:
        less = copy.deepcopy(recipe)
        del less["training"]["optimizer"][name]
        yield less
    yield from fewer_options(recipe)
    yield from smaller(recipe)


def fewer_options(recipe: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Recipes whose layers have an option less."""
    for index, node in enumerate(recipe["nodes"]):
        for path in ((), ("layer",)):
            made = inside(node, path)
            for name in [] if made is None else [k for k in made if k != "$"]:
                less = copy.deepcopy(recipe)
                del inside(less["nodes"][index], path)[name]
                yield less
        if node.get("call"):
            less = copy.deepcopy(recipe)
            del less["nodes"][index]["call"]
            yield less
        if node.get("make", {}).get("layer"):
            less = copy.deepcopy(recipe)
            less["nodes"][index]["make"] = less["nodes"][index]["make"]["layer"]
            yield less


def inside(node: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any] | None:
    """The call in a node's layer at a path."""
    made = node.get("make")
    for name in path:
        made = made.get(name) if isinstance(made, dict) else None
    return made if isinstance(made, dict) and "$" in made else None


def smaller(recipe: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Recipes with smaller sizes."""
    if recipe["policy"] != "float32":
        yield copy.deepcopy(recipe) | {"policy": "float32"}
    for rows in (1, recipe["training"]["batch"], recipe["rows"] // 2, recipe["rows"] - 1):
        if 0 < rows < recipe["rows"]:
            yield copy.deepcopy(recipe) | {"rows": rows}
    batch = recipe["training"]["batch"]
    for value in (1, 2, batch - 1):
        if 0 < value < batch:
            less = copy.deepcopy(recipe)
            less["training"]["batch"] = value
            yield less
    for index, spec in enumerate(recipe["inputs"]):
        if "declared" in spec or spec.get("padded"):
            less = copy.deepcopy(recipe)
            less["inputs"][index].pop("declared", None)
            less["inputs"][index].pop("padded", None)
            yield less
        for axis, extent in enumerate(spec["shape"]):
            for value in {1, extent // 2, extent - 1}:
                if 0 < value < extent and "declared" not in spec:
                    less = copy.deepcopy(recipe)
                    less["inputs"][index]["shape"][axis] = value
                    yield less
    for index, node in enumerate(recipe["nodes"]):
        for path in ((), ("layer",)):
            made = inside(node, path) or {}
            for name in ("units", "filters", "output_dim", "n", "key_dim", "num_heads"):
                value = made.get(name)
                if isinstance(value, int) and value > 1:
                    for less_value in sorted({1, 2, value // 2, value - 1}):
                        if 0 < less_value < value:
                            less = copy.deepcopy(recipe)
                            inside(less["nodes"][index], path)[name] = less_value
                            yield less


def changed(before: dict[str, Any], after: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The recipe, if it is another."""
    if after != before:
        yield after


def renamed(recipe: dict[str, Any], number: int, source: int) -> dict[str, Any]:
    """The recipe in which whatever takes tensor `number` takes `source`."""
    less = copy.deepcopy(recipe)
    for node in less["nodes"]:
        node["of"] = [source if i == number else i for i in node["of"]]
    for output in less["outputs"]:
        output["of"] = source if output["of"] == number else output["of"]
    return less


def pruned(recipe: dict[str, Any]) -> dict[str, Any]:
    """Without the nodes and inputs that no output needs; numbers close up."""
    first = len(recipe["inputs"])
    needed, waiting = set(), [o["of"] for o in recipe["outputs"]]
    while waiting:
        number = waiting.pop()
        if number in needed:
            continue
        needed.add(number)
        if number >= first:
            node = recipe["nodes"][number - first]
            waiting += node["of"]
            if (
                "same" in node and node["same"] not in needed
            ):  # the layer goes with its first use still there
                waiting.append(node["same"])
    order = sorted(needed)
    new = {old: index for index, old in enumerate(order)}
    nodes = []
    for old in order:
        if old >= first:
            node = copy.deepcopy(recipe["nodes"][old - first])
            node["of"] = [new[i] for i in node["of"]]
            if "same" in node:
                node["same"] = new[node["same"]]
            nodes.append(node)
    outputs = [o | {"of": new[o["of"]]} for o in recipe["outputs"]]
    inputs = [spec for i, spec in enumerate(recipe["inputs"]) if i in needed]
    return recipe | {"inputs": inputs, "nodes": nodes, "outputs": outputs}
