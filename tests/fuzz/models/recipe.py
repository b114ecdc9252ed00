"""Recipes: a model and its training as JSON, and the Python code they stand for.

    {"$": "layers.Dense", "units": 3}      stands for   keras.layers.Dense(units=3)
    {"code": "lambda y, p: ..."}           for itself

A node is {"make": ..., "of": [numbers of tensors], "form": "one" | "list" | "args", "call": {...}}, or
{"formula": "{0}[:, 1:]", "of": [...]}; "same": number of the node whose layer is shared. Tensors are numbered from the inputs on.
"""

from __future__ import annotations

from typing import Any


def code(value: Any) -> str:
    """The Python expression of a value of a recipe."""
    if isinstance(value, dict):
        if "code" in value:
            return str(value["code"])
        if "$" in value:
            arguments = ", ".join(f"{k}={code(v)}" for k, v in value.items() if k != "$")
            return f"keras.{value['$']}({arguments})"
        return "{" + ", ".join(f"{k!r}: {code(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(code(v) for v in value) + "]"
    return repr(value)


def input_line(number: int, spec: dict[str, Any]) -> str:
    """The line that makes an input."""
    dtype = "int32" if spec["kind"] == "ids" else "float32"
    shape = tuple(spec.get("declared", spec["shape"]))
    return f"x{number} = keras.Input({shape!r}, dtype={dtype!r})"


def node_lines(number: int, node: dict[str, Any]) -> list[str]:
    """The lines that make a node's tensor x<number>."""
    names = [f"x{i}" for i in node["of"]]
    if "formula" in node:
        return [f"x{number} = " + node["formula"].format(*names)]
    lines = []
    if "same" not in node:
        lines.append(f"layer{number} = {code(node['make'])}")
    layer = f"layer{node.get('same', number)}"
    form = node.get("form", "one")
    given = f"[{', '.join(names)}]" if form == "list" else ", ".join(names)
    options = "".join(f", {k}={code(v)}" for k, v in node.get("call", {}).items())
    return [*lines, f"x{number} = {layer}({given}{options})"]


def model_lines(recipe: dict[str, Any]) -> list[str]:
    """The lines that build the inputs, the layers and the list of outputs."""
    inputs = recipe["inputs"]
    lines = [input_line(i, spec) for i, spec in enumerate(inputs)]
    for offset, node in enumerate(recipe["nodes"]):
        lines += node_lines(len(inputs) + offset, node)
    lines.append("inputs = [" + ", ".join(f"x{i}" for i in range(len(inputs))) + "]")
    lines.append("outputs = [" + ", ".join(f"x{o['of']}" for o in recipe["outputs"]) + "]")
    return lines


def build(keras: Any, recipe: dict[str, Any], model_class: Any) -> Any:
    """The model of a recipe, with the class given."""
    space = {"keras": keras}
    exec("\n".join(model_lines(recipe)), space)
    return model_class(space["inputs"], space["outputs"])


def made(keras: Any, value: Any) -> Any:
    """What a value of a recipe stands for."""
    return eval(code(value), {"keras": keras, "ops": keras.ops})


def script(recipe: dict[str, Any]) -> str:
    """A program that does what the recipe says, for people: `penstock run script.py`, `python script.py`."""
    training = recipe["training"]
    lines = [
        "import keras",
        "import numpy as np",
        "from keras import ops",
        "",
        f"keras.utils.set_random_seed({recipe['seed']})",
    ]
    if recipe["policy"] != "float32":
        lines.append(f"keras.config.set_dtype_policy({recipe['policy']!r})")
    lines += model_lines(recipe)
    lines.append("model = keras.Model(inputs, outputs)")
    if training["step"] != "keras":
        lines.append(f"# its train_step is {training['step']!r} of tests/fuzz/models/steps.py")
    losses = code([o["loss"] for o in recipe["outputs"]])
    metrics = code([o.get("metrics", []) for o in recipe["outputs"]])
    lines += [
        "random = np.random.default_rng(0)",
        "for w in model.trainable_variables:",
        "    w.assign(random.normal(size=w.shape) * 0.3)",
        f"x = {code([_draw(spec, recipe['rows']) for spec in recipe['inputs']])}",
        f"y = [random.normal(size=({recipe['rows']}, *o.shape[1:])) for o in outputs]"
        f"  # targets: {[o['target'] for o in recipe['outputs']]}",
        f"model.compile({code(training['optimizer'])}, {losses}, metrics={metrics}, jit_compile=False)",
        f"# training: { {k: v for k, v in training.items() if k != 'optimizer'} }",
        f"model.fit(x, y, batch_size={training['batch']}, epochs={training['epochs']}, shuffle=False)",
        f"print(model.evaluate(x, y, batch_size={training['batch']}))",
    ]
    return "\n".join(lines)


def _draw(spec: dict[str, Any], rows: int) -> dict[str, str]:
    shape = (rows, *spec["shape"])
    if spec["kind"] == "ids":
        return {"code": f"random.integers(1, {spec['high']}, {shape})"}
    return {"code": f"random.normal(size={shape}).astype('float32')"}
