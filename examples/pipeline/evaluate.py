"""Evaluation of the model as it will be served: skew, slices, and a comparison with the model that is served now."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import table
import tensorflow as tf
import transform as transforms
from sklearn import metrics

ROWS = 4096


class SkewError(Exception):
    """The served model transforms rows otherwise than they were for training."""


def compare(output: Path, rows: Path, examples: Path, model: Path) -> None:
    """The step `skew`: transforms a file with the served model and compares each number with what the network was trained on.

    Args:
      output: the folder to write `skew.json` to.
      rows: a file of the table.
      examples: the same file, transformed.
      model: what `train` has written.

    Raises:
      SkewError: a number differs.
    """
    served = tf.saved_model.load(str(model / "model")).signatures["transformed"]
    frame = table.read(rows)
    differing = dict.fromkeys(table.FEATURES, 0)
    batches = transforms.dataset([examples]).batch(ROWS).map(transforms.parse)
    for at, (trained, _) in enumerate(batches):
        now = served(**transforms.tensors(frame.iloc[at * ROWS : (at + 1) * ROWS]))
        for name in differing:
            ours, theirs = now[name].numpy(), trained[name].numpy()
            differing[name] += (
                len(ours)
                if ours.shape != theirs.shape
                else int(
                    (ours.view(f"u{ours.itemsize}") != theirs.view(f"u{theirs.itemsize}")).sum()
                )
            )
    wrong = {name: count for name, count in differing.items() if count}
    if wrong:
        raise SkewError(f"Columns with values that differ between training and serving: {wrong}")
    (output / "skew.json").write_text(json.dumps({"rows": len(frame), "differing": differing}))


def predict(output: Path, rows: Path, model: Path) -> None:
    """The step `predict`, for one file.

    Args:
      output: the folder to write `late.npy` to: the probability for each row.
      rows: a file of the table.
      model: a folder with the SavedModel `model`.
    """
    served = tf.saved_model.load(str(model / "model")).signatures["serving_default"]
    frame = table.read(rows)
    parts = [
        served(**transforms.tensors(frame.iloc[at : at + ROWS]))["late"].numpy()
        for at in range(0, len(frame), ROWS)
    ]
    np.save(output / "late.npy", np.concatenate(parts))


def evaluate(
    output: Path,
    rows: Path,
    predictions: Path,
    baseline: list[Path],
    slices: list[str],
    least_auc: float,
    tolerance: float,
    least_rows: int,
) -> None:
    """The step `evaluate`: whether the model may be served.

    Args:
      output: the folder to write `evaluation.json` to.
      rows: the newest file of the table.
      predictions: of the model for these rows.
      baseline: predictions of the model that is served now, for the same rows; or none.
      slices: the columns whose values divide the rows.
      least_auc: the area under the curve that all rows together must reach.
      tolerance: how much larger the loss may be than that of the baseline, of all rows; three times as much of a slice.
      least_rows: slices of fewer rows are shown but not judged.
    """
    frame = table.read(rows)
    frame["_label"] = table.labels(frame)
    frame["_late"] = np.load(predictions / "late.npy")
    if baseline:
        frame["_baseline"] = np.load(baseline[0] / "late.npy")
    found = [measure("all", frame)]
    for column in slices:
        found += [measure(f"{column}={value}", part) for value, part in frame.groupby(column)]
    reasons = []
    if not (found[0]["auc"] or 0.0) >= least_auc:
        reasons.append(f"all: AUC {found[0]['auc']:.4f}, not {least_auc}")
    for part in found:
        allowed = tolerance if part["slice"] == "all" else 3 * tolerance
        judged = baseline and part["rows"] >= least_rows
        if judged and part["loss"] > part["baseline_loss"] + allowed:
            losses = f"{part['loss']:.4f}, not {part['baseline_loss']:.4f} + {allowed:.4f}"
            reasons.append(f"{part['slice']}: loss {losses}")
    report = {"blessed": not reasons, "reasons": reasons, "slices": found}
    (output / "evaluation.json").write_text(json.dumps(report, indent=1))


def measure(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Returns the measures of a slice: AUC (None where all labels are equal), loss, the shares expected and seen."""
    label, late = (np.asarray(rows[column], "float64") for column in ("_label", "_late"))
    found = {
        "slice": name,
        "rows": len(rows),
        "auc": metrics.roc_auc_score(label, late) if len(np.unique(label)) == 2 else None,
        "loss": metrics.log_loss(label, late, labels=[0, 1]),
        "late": float(label.mean()),
        "expected": float(late.mean()),
    }
    if "_baseline" in rows:
        before = np.asarray(rows["_baseline"], "float64")
        found["baseline_loss"] = metrics.log_loss(label, before, labels=[0, 1])
    return found
