"""Builds and trains a recipe's model; returns all the numbers that another run of it should have, too."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.fuzz.models import data, sizes
from tests.fuzz.models.recipe import build, made
from tests.fuzz.models.results import Results, numbers, one, outputs_of, weights_of
from tests.fuzz.models.steps import step_models

SIZES = 5  # of batches and unknown lengths after training


def run(
    keras: Any,
    tf: Any,
    recipe: dict[str, Any],
    eager: bool = False,
    nudge: float = 0,
    noise: int = 0,
) -> Results:
    """The numbers of one run, by name and in the order in which they are computed.

    Args:
      keras, tf: the libraries.
      recipe: what to run.
      eager: whether nothing is compiled.
      nudge, noise: how much weights and inputs are changed, and the seed of these changes.
    """
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(recipe["seed"] % 2**31)
    keras.config.set_dtype_policy(recipe["policy"])
    try:
        return _run(keras, tf, recipe, eager, nudge, noise)
    finally:
        keras.config.set_dtype_policy("float32")


def _run(
    keras: Any, tf: Any, recipe: dict[str, Any], eager: bool, nudge: float, noise: int
) -> Results:
    training = recipe["training"]
    model = build(keras, recipe, step_models(keras, tf)[training["step"]])
    data.set_weights(recipe, model, nudge, noise)
    change = np.random.default_rng(noise + 1)
    x = [
        data.nudged(values, nudge, change) if values.dtype == np.float32 else values
        for values in data.inputs(recipe)
    ]
    compile_model(keras, recipe, model, eager)
    if "sizes" in recipe:
        return sizes.run(tf, recipe, model, x, watches=not eager)
    batch, found = training["batch"], {}

    found["predictions before"] = outputs_of(model.predict(x, batch_size=batch, verbose=0))
    y = data.targets(recipe, [p.shape for p in found["predictions before"]])
    found |= gradients(tf, recipe, model, x, y, eager)
    found |= train(keras, tf, recipe, model, x, y)
    logs = model.evaluate(x, one(y), batch_size=batch, verbose=0, return_dict=True)
    found["evaluate"] = numbers(logs)
    found["predictions after"] = outputs_of(model.predict(x, batch_size=batch, verbose=0))
    found |= other_sizes(tf, recipe, model, x, eager)
    found["weights"] = weights_of(model)
    found["state"] = [np.asarray(w.numpy()) for w in model.non_trainable_variables]
    return found


def compile_model(keras: Any, recipe: dict[str, Any], model: Any, eager: bool) -> None:
    """Calls the model's `compile` as the recipe says."""
    training, outputs = recipe["training"], recipe["outputs"]
    metrics = [[made(keras, m) for m in o.get("metrics", [])] for o in outputs]
    weighted = [[made(keras, m) for m in o.get("weighted_metrics", [])] for o in outputs]
    model.compile(
        optimizer=made(keras, training["optimizer"]),
        loss=one([made(keras, o["loss"]) for o in outputs]),
        loss_weights=training.get("loss_weights") if len(outputs) > 1 else None,
        metrics=one(metrics),
        weighted_metrics=one(weighted) if any(weighted) else None,
        run_eagerly=eager,
        steps_per_execution=training.get("steps_per_execution", 1),
        jit_compile=False,
    )


def gradients(
    tf: Any, recipe: dict[str, Any], model: Any, x: list, y: list, eager: bool
) -> Results:
    """The loss of one batch in training, and the gradients of it for weights and inputs."""
    count = len(x)

    def compute(*values):
        xs, ys = list(values[:count]), list(values[count:])
        floats = [v for v in xs if v.dtype.is_floating]
        with tf.GradientTape() as tape:
            for value in floats:
                tape.watch(value)
            loss = model.compute_loss(one(xs), one(ys), model(xs, training=True), None, True)
        variables = [v.value for v in model.trainable_variables]
        found = tape.gradient(loss, variables + floats)
        return loss, [tf.convert_to_tensor(g) for g in found if g is not None]

    batch = recipe["training"]["batch"]
    given = [tf.constant(v[:batch]) for v in x + y]
    if not eager:
        free = recipe["training"].get("unknown_batch")
        signature = [
            tf.TensorSpec([None if free else v.shape[0], *v.shape[1:]], v.dtype) for v in given
        ]
        compute = tf.function(compute, input_signature=signature)
    loss, found = compute(*given)
    return {
        "first loss": [np.asarray(loss.numpy())],
        "first gradients": [np.asarray(g.numpy()) for g in found],
    }


def other_sizes(tf: Any, recipe: dict[str, Any], model: Any, x: list, eager: bool) -> Results:
    """Outputs and gradients for batches of other sizes and unknown lengths, of one function in changing order."""
    specs = recipe["inputs"]

    def compute(*values):
        floats = [v for v in values if v.dtype.is_floating]
        with tf.GradientTape() as tape:
            for value in floats:
                tape.watch(value)
            made = tf.nest.flatten(model(one(list(values)), training=False))
            total = tf.add_n([tf.reduce_sum(tf.square(tf.cast(y, tf.float32))) for y in made])
        return made + tape.gradient(total, floats, unconnected_gradients="zero")

    if not eager:
        signature = [
            tf.TensorSpec([None, *spec.get("declared", spec["shape"])], v.dtype)
            for spec, v in zip(specs, x)
        ]
        compute = tf.function(compute, input_signature=signature)
    random, found = data.stream(recipe, "sizes"), {}
    for i, rows in enumerate(random.permutation([1, 2, 3, 5, 8, 13])[:SIZES].tolist()):
        length = int(random.integers(1, 9))  # of inputs of the first unknown length
        first = next((s["shape"][0] for s in specs if None in s.get("declared", [])), None)
        given = []
        for spec, values in zip(specs, x):
            values = np.take(values, np.arange(rows) % len(values), 0)
            if None in spec.get("declared", []) and spec["shape"][0] == first:
                values = np.take(values, np.arange(length) % first, 1)
            given.append(tf.constant(values))
        try:
            made = compute(*given)
        except (TypeError, ValueError, tf.errors.InvalidArgumentError):
            made = []  # layers may ask for longer sequences: then they do in every way
        found[f"size {i}"] = [np.asarray(tf.cast(y, tf.float32)) for y in made]
    return found


def train(keras: Any, tf: Any, recipe: dict[str, Any], model: Any, x: list, y: list) -> Results:
    """Trains as the recipe says; the logs after each step."""
    training, logs_of_steps = recipe["training"], []

    def note(logs):
        logs_of_steps.append(numbers(logs))

    options: dict[str, Any] = {}
    if training.get("class_weight"):
        options["class_weight"] = {int(k): v for k, v in training["class_weight"].items()}
    weights = None
    if training.get("sample_weight"):
        weights = [
            data.stream(recipe, "sample weights").uniform(0, 2, recipe["rows"]).astype("float32")
            for _ in y
        ]
    batch, rows = training["batch"], recipe["rows"]
    if training["loop"] == "train_on_batch":
        for start in range(0, rows, batch):
            part = slice(start, start + batch)
            chosen = {} if weights is None else {"sample_weight": one([w[part] for w in weights])}
            note(
                model.train_on_batch(
                    [v[part] for v in x], one([v[part] for v in y]), return_dict=True,
                    **chosen, **options
                )
            )  # fmt: skip
    else:

        class Noting(keras.callbacks.Callback):
            def on_train_batch_end(self, step, logs=None):
                note(logs)

        common: dict[str, Any] = dict(
            epochs=training["epochs"], verbose=0, shuffle=False, callbacks=[Noting()], **options
        )
        if training["loop"] == "dataset":
            parts = (tuple(x), one([tuple(y)]) if len(y) > 1 else y[0])
            if weights is not None:
                parts += (tuple(weights) if len(weights) > 1 else weights[0],)
            dataset = tf.data.Dataset.from_tensor_slices(parts).batch(batch)
            model.fit(dataset, **common)
        else:
            chosen = {} if weights is None else {"sample_weight": one(weights)}
            model.fit(x, one(y), batch_size=batch, **common, **chosen)
    return {f"step {i}": logs for i, logs in enumerate(logs_of_steps)}
