"""Losses with their heads and metrics, optimizers, and how the model is trained."""

from __future__ import annotations

from typing import Any

from tests.fuzz.models.drawing.drawing import Drawing

REGRESSION = (
    "MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "LogCoshError", "CosineSimilarity", "MeanSquaredLogarithmicError",
)  # fmt: skip


def head(d: Drawing, x: int, policy: str) -> dict[str, Any]:
    """Adds the last layer of an output for a loss; says which loss, targets and metrics."""
    kind = d.pick(
        "any", "any", "any", "binary", "one hot", "ids", "ids", "sign", "positive", "distribution"
    )
    shape = d.shape(x)
    if d.maybe(0.04) and len(shape) == 2 and None not in shape and shape[0] >= 3:
        kind = "labels"
    plain = kind == "any" and d.maybe(0.4) and "float" in d.dtype(x) and policy == "float32"
    if plain and 0 < d.elements(x) < 200 and None not in shape:
        y = x
    elif kind in ("one hot", "ids", "distribution", "labels"):
        y = last(
            d,
            x,
            d.pick(2, 3, 5, 10),
            d.pick("softmax", None) if kind != "distribution" else "softmax",
            kind == "labels",
        )
    else:
        activation = {
            "any": None,
            "binary": d.pick("sigmoid", None),
            "sign": d.pick(None, "tanh"),
            "positive": "softplus",
        }
        y = last(d, x, d.pick(1, 1, 2, 4, 7), activation[kind])
    node = d.nodes[y - len(d.inputs)]
    logits = node.get("make", {}).get("activation") is None
    loss, metrics = losses(d, kind, logits, d.shape(y))
    if d.maybe(0.1):
        loss["reduction"] = d.pick("sum", "mean_with_sample_weight")
        if kind == "labels" or loss["$"].split(".")[1] in ("Dice", "Tversky", "Circle"):
            loss.pop("reduction")
    if kind == "any" and d.maybe(0.15):
        loss = {"code": d.pick(
            "lambda y, p: ops.mean(ops.square(y - p) * ops.sigmoid(p), axis=-1)",
            "lambda y, p: ops.mean(ops.square(y - p))",
            "lambda y, p: ops.maximum(0.7 * (y - p), -0.3 * (y - p))",
            "lambda y, p: ops.log(1 + ops.sum(ops.square(y - p), axis=-1))",
        )}  # fmt: skip
    found = {"of": y, "target": kind, "loss": loss}
    if metrics and d.maybe(0.7):
        found["metrics"] = d.random.sample(metrics, min(len(metrics), d.pick(1, 1, 2, 3)))
    if metrics and d.maybe(0.15):
        found["weighted_metrics"] = [d.pick(*metrics)]
    return found


def last(d: Drawing, x: int, units: int, activation: str | None, sequence: bool = False) -> int:
    """A dense layer as the end, at times after pooling or flattening."""
    shape = d.shape(x)
    if len(shape) > 1 and None not in shape and not sequence and d.maybe(0.5):
        x = d.layer(x, "Flatten") if d.elements(x) < 700 else d.formula(
            f"keras.ops.mean({{0}}, axis={list(range(1, len(shape)))})", x
        )  # fmt: skip
    if len(d.shape(x)) == 0:
        x = d.formula("keras.ops.expand_dims({0}, -1)", x)
    return d.layer(x, "Dense", units=units, activation=activation, dtype="float32")


def losses(
    d: Drawing, kind: str, logits: bool, shape: tuple
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A loss for a kind of target, and the metrics that fit."""

    def made(*names: str) -> list[dict[str, Any]]:
        return [{"$": f"metrics.{name}"} for name in names]

    def loss(name: str, **options: Any) -> dict[str, Any]:
        return {"$": f"losses.{name}", **options}

    flat = len(shape) == 1
    if kind == "any":
        chosen = d.pick(
            loss("MeanSquaredError"), loss("MeanAbsoluteError"), loss("Huber", delta=d.pick(1.0, 0.3)), loss("LogCosh"),
            loss("CosineSimilarity"), loss("MeanSquaredError"), loss("MeanAbsolutePercentageError"),
        )  # fmt: skip
        more = made("R2Score") if flat and shape[0] and shape[0] > 0 else []
        return chosen, made(*REGRESSION[:6], "MeanMetricWrapper")[:6] + more
    if kind == "positive":
        chosen = d.pick(
            loss("Poisson"),
            loss("MeanSquaredLogarithmicError"),
            loss("MeanAbsolutePercentageError"),
        )
        return chosen, made("Poisson", "MeanSquaredLogarithmicError", *REGRESSION)
    if kind == "sign":
        return d.pick(loss("Hinge"), loss("SquaredHinge")), made("Hinge", "SquaredHinge")
    if kind == "distribution":
        return d.pick(loss("KLDivergence"), loss("CategoricalCrossentropy")), made(
            "KLDivergence", "MeanSquaredError"
        )
    if kind == "binary":
        chosen = d.pick(
            loss("BinaryCrossentropy", from_logits=logits, **d.options(label_smoothing=(0.1,))),
            loss("BinaryFocalCrossentropy", from_logits=logits, **d.options(apply_class_balancing=(True,))),
            loss("Dice"), loss("Tversky"), loss("MeanSquaredError"),
        )  # fmt: skip
        if logits:
            return (chosen if "from_logits" in chosen else loss("MeanSquaredError")), [
                {"$": "metrics.BinaryAccuracy", "threshold": 0.0}, {"$": "metrics.BinaryCrossentropy", "from_logits": True},
            ]  # fmt: skip
        metrics = made(
            "BinaryAccuracy", "AUC", "Precision", "Recall", "TruePositives", "FalseNegatives", "FalsePositives",
            "TrueNegatives", "BinaryCrossentropy",
        )  # fmt: skip
        metrics += [
            {"$": "metrics.PrecisionAtRecall", "recall": 0.5}, {"$": "metrics.RecallAtPrecision", "precision": 0.5},
            {"$": "metrics.SensitivityAtSpecificity", "specificity": 0.5},
            {"$": "metrics.SpecificityAtSensitivity", "sensitivity": 0.5},
            {"$": "metrics.BinaryIoU", "threshold": 0.5}, {"$": "metrics.AUC", "curve": "PR"},
        ]  # fmt: skip
        if flat:
            metrics += [
                {"$": "metrics.F1Score", "threshold": 0.5},
                {"$": "metrics.FBetaScore", "beta": 2.0, "threshold": 0.5},
            ]
        return chosen, metrics
    if kind == "labels":
        return loss("CTC"), []
    classes = shape[-1]
    if kind == "ids":
        ignored = {"ignore_class": 0} if d.maybe(0.15) else {}
        chosen = loss("SparseCategoricalCrossentropy", from_logits=logits, **ignored)
        if not logits and d.maybe(0.1):
            chosen = loss("CategoricalGeneralizedCrossEntropy")
        metrics = made("SparseCategoricalAccuracy") + [
            {"$": "metrics.SparseTopKCategoricalAccuracy", "k": 2},
            {"$": "metrics.SparseCategoricalCrossentropy", "from_logits": logits},
            {"$": "metrics.MeanIoU", "num_classes": classes, "sparse_y_pred": False},
        ]
        return chosen, metrics
    chosen = d.pick(
        loss("CategoricalCrossentropy", from_logits=logits, **d.options(label_smoothing=(0.1,))),
        loss("CategoricalFocalCrossentropy", from_logits=logits), loss("CategoricalHinge"),
    )  # fmt: skip
    metrics = made("CategoricalAccuracy", "CategoricalHinge") + [
        {"$": "metrics.TopKCategoricalAccuracy", "k": 2},
        {"$": "metrics.CategoricalCrossentropy", "from_logits": logits},
        {"$": "metrics.OneHotMeanIoU", "num_classes": classes},
        {"$": "metrics.OneHotIoU", "num_classes": classes, "target_class_ids": [0]},
    ]
    if flat:
        metrics.append({"$": "metrics.F1Score", "average": "macro"})
    return chosen, metrics


def optimizer(d: Drawing) -> dict[str, Any]:
    """An optimizer with a rate or a schedule, clipping, averaging, decay."""
    name = d.pick(
        "SGD", "SGD", "Adam", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "AdamW", "Ftrl", "Lion",
        "Lamb", "Adafactor", "Muon",
    )  # fmt: skip
    if name == "Adafactor" and any(spec["kind"] == "ids" for spec in d.inputs):
        name = "Adagrad"  # Keras's product of sparse gradients fails where an index is met twice
    rate: Any = d.pick(0.001, 0.01, 0.03)
    if d.maybe(0.2):
        rate = d.pick(
            {"$": "optimizers.schedules.ExponentialDecay", "initial_learning_rate": rate, "decay_steps": 2, "decay_rate": 0.7},
            {"$": "optimizers.schedules.CosineDecay", "initial_learning_rate": rate, "decay_steps": 5, "warmup_steps": 2,
             "warmup_target": 2 * rate},
            {"$": "optimizers.schedules.PiecewiseConstantDecay", "boundaries": [1, 3], "values": [rate, rate / 2, rate / 4]},
            {"$": "optimizers.schedules.PolynomialDecay", "initial_learning_rate": rate, "decay_steps": 4},
            {"$": "optimizers.schedules.InverseTimeDecay", "initial_learning_rate": rate, "decay_steps": 2, "decay_rate": 0.5},
            {"$": "optimizers.schedules.CosineDecayRestarts", "initial_learning_rate": rate, "first_decay_steps": 2},
        )  # fmt: skip
    found: dict[str, Any] = {"$": f"optimizers.{name}", "learning_rate": rate}
    if d.maybe(0.2):
        found[d.pick("clipnorm", "clipvalue", "global_clipnorm")] = d.pick(0.1, 0.5)
    if d.maybe(0.1):
        found |= {"use_ema": True, "ema_momentum": 0.9, **d.options(ema_overwrite_frequency=(2,))}
    if d.maybe(0.1):
        found["weight_decay"] = 0.01
    if d.maybe(0.1):
        found["gradient_accumulation_steps"] = 2
    if name == "SGD":
        found |= d.options(momentum=(0.9,), nesterov=(True,))
    if name in ("Adam", "AdamW"):
        found |= d.options(amsgrad=(True,))
    if name == "RMSprop":
        found |= d.options(momentum=(0.5,), centered=(True,))
    return found


def training(d: Drawing, rows: int, outputs: list[dict[str, Any]], policy: str) -> dict[str, Any]:
    """How the model is trained."""
    found: dict[str, Any] = {
        "batch": d.pick(*[b for b in (1, 2, 3, 4, 5, 8, 16, 32) if rows / 5 <= b <= rows]),
        "loop": d.pick("arrays", "arrays", "dataset", "train_on_batch"),
        "step": d.pick("keras", "keras", "keras", "tape", "clipped", "penalty") if len(outputs) == 1 else "keras",
        "epochs": d.pick(1, 2), "optimizer": optimizer(d), "unknown_batch": d.maybe(),
    }  # fmt: skip
    if policy != "float32" and found["step"] != "keras":
        found["step"] = "keras"
    if found["step"] == "penalty" and not any(spec["kind"] != "ids" for spec in d.inputs):
        found["step"] = "tape"
    if found["step"] != "keras":
        found["optimizer"].pop("gradient_accumulation_steps", None)
        outputs[0].pop("weighted_metrics", None)
    if d.maybe(0.15) and found["loop"] != "train_on_batch":
        found["steps_per_execution"] = d.pick(2, 3)
    # A weight for each row: Keras broadcasts it over no other axis.
    if d.maybe(0.25) and all("$" in o["loss"] and len(d.shape(o["of"])) == 1 for o in outputs):
        found["sample_weight"] = True
    elif len(outputs) == 1 and outputs[0]["target"] in ("ids", "one hot") and d.maybe(0.3):
        shape = d.shape(outputs[0]["of"])
        if len(shape) == 1:
            found["class_weight"] = {str(c): d.pick(0.5, 1.0, 2.0) for c in range(shape[-1])}
    if len(outputs) > 1 and d.maybe(0.3):
        found["loss_weights"] = [d.pick(0.3, 1.0, 2.0) for _ in outputs]
    return found
