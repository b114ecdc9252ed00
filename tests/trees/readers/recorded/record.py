"""Records small models of XGBoost, LightGBM and YDF, and what these libraries predict.

By hand, in an environment with the packages xgboost, lightgbm, ydf and scikit-learn, from the repository's root:

    python tests/trees/readers/recorded/record.py

Five data sets: three of classes and one of numbers that scikit-learn brings along, and one drawn with categories and missing numbers. Beside this file: `rows.npz`,
`predictions.npz`, and a file or folder of each model, named library-data.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import xgboost
import ydf
from sklearn import datasets

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3]))
from tests.trees.readers.recorded.columns import columns_of  # noqa: E402  (it stands in the folder above)

ROWS = 40
CATEGORIES = 40
# Names of data: (XGBoost's parameters, LightGBM's).
DATA: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "cancer": ({"objective": "binary:logistic"}, {"objective": "binary"}),
    "digits": (
        {"objective": "multi:softprob", "num_class": 10},
        {"objective": "multiclass", "num_class": 10},
    ),
    "wine": (
        {"objective": "multi:softmax", "num_class": 3},
        {"objective": "multiclassova", "num_class": 3, "sigmoid": 1.5},
    ),
    "diabetes": ({"objective": "reg:squarederror"}, {"objective": "regression"}),
    "categories": ({"max_cat_to_onehot": 2}, {"min_data_per_group": 2, "cat_smooth": 1}),
}
# Further ones: (name, data, parameters).
OF_XGBOOST = [
    ("dart", "diabetes", {"booster": "dart", "rate_drop": 0.5, "seed": 1}),
    ("gamma", "diabetes", {"objective": "reg:gamma"}),
    ("hinge", "cancer", {"objective": "binary:hinge"}),
    ("raw", "cancer", {"objective": "binary:logitraw", "base_score": 0.8}),
    ("forest", "wine", {"num_parallel_tree": 3, "objective": "multi:softprob", "num_class": 3, "subsample": 0.6}),
]  # fmt: skip
OF_LIGHTGBM = [
    ("forest", "diabetes", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}),
    ("tweedie", "diabetes", {"objective": "tweedie"}),
    ("roots", "diabetes", {"objective": "regression", "reg_sqrt": True}),
    ("zeros", "categories", {"zero_as_missing": True}),
    ("present", "categories", {"use_missing": False}),
]


def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Two columns of categories and two of numbers, some missing, and numbers that follow from them."""
    rng = np.random.default_rng(0)
    categories = rng.integers(0, CATEGORIES, (600, 2)).astype(np.float64)
    numbers = np.round(rng.normal(size=(600, 2)), 2)
    x = np.concatenate([categories, numbers], 1)
    y = np.sin(3 * x[:, 0]) + np.cos(x[:, 1]) * x[:, 2] + 2
    x[rng.random(x.shape) < 0.1] = np.nan
    x[rng.random(600) < 0.1, 3] = 0
    return x.astype(np.float32), y.astype(np.float32)


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "categories":
        return drawn()
    loaders = {"cancer": "breast_cancer"}
    x, y = getattr(datasets, f"load_{loaders.get(name, name)}")(return_X_y=True)
    return x.astype(np.float32), y


def record_xgboost(name: str, data: str, parameters: dict[str, Any], suffix: str) -> np.ndarray:
    x, y = load(data)
    kinds = ["c", "c", "q", "q"] if data == "categories" else None
    matrix = xgboost.DMatrix(x, y, feature_types=kinds, enable_categorical=True)
    model = xgboost.train({"max_depth": 3, "nthread": 1, **parameters}, matrix, 6)
    model.save_model(HERE / f"xgboost-{name}.{suffix}")
    return model.predict(
        xgboost.DMatrix(rows_of(data), feature_types=kinds, enable_categorical=True)
    )


def record_lightgbm(name: str, data: str, parameters: dict[str, Any]) -> np.ndarray:
    x, y = load(data)
    options = {
        "num_leaves": 7,
        "num_threads": 1,
        "verbose": -1,
        "deterministic": True,
        **parameters,
    }
    has_sets = data == "categories" and "zero_as_missing" not in parameters
    matrix = lightgbm.Dataset(x, y, categorical_feature=[0, 1] if has_sets else "auto")
    model = lightgbm.train(options, matrix, 6)
    model.save_model(HERE / f"lightgbm-{name}.txt")
    return np.asarray(model.predict(rows_of(data)))


def record_ydf(name: str, data: str, learner: Any, **options: Any) -> np.ndarray:
    x, y = load(data)
    is_number = data in ("diabetes", "categories")
    task = ydf.Task.REGRESSION if is_number else ydf.Task.CLASSIFICATION
    has_texts = data == "categories"
    label = y if is_number else np.array([f"class {c}" for c in y])
    made = learner(label="label", task=task, num_threads=1, **options).train(
        {**columns_of(x, has_texts), "label": label}
    )
    folder = HERE / f"ydf-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    made.save(str(folder))
    return made.predict(columns_of(rows_of(data), has_texts))


def rows_of(data: str) -> np.ndarray:
    x, _ = load(data)
    chosen = x[np.random.default_rng(1).permutation(len(x))[:ROWS]].copy()
    if data == "categories":  # some that fitting has not met
        chosen[:6, 0] = [77, 41, 0, -3, 39, np.nan]
        chosen[6:9, 3] = [0, 1e-36, np.nan]
    return chosen


def main() -> None:
    ydf.verbose(0)
    predictions: dict[str, np.ndarray] = {}
    for name, (of_xgboost, of_lightgbm) in DATA.items():
        suffix = "json" if name in ("cancer", "categories") else "ubj"
        predictions[f"xgboost-{name}.{suffix}"] = record_xgboost(name, name, of_xgboost, suffix)
        predictions[f"lightgbm-{name}.txt"] = record_lightgbm(name, name, of_lightgbm)
        boosted = {
            "num_trees": 6,
            "max_depth": 4,
            "early_stopping": "NONE",
            "validation_ratio": 0.0,
        }
        predictions[f"ydf-{name}"] = record_ydf(
            name, name, ydf.GradientBoostedTreesLearner, **boosted
        )
    for name, data, parameters in OF_XGBOOST:
        made = record_xgboost(name, data, parameters, "ubj")
        predictions[f"xgboost-{name}.ubj"] = made
    for name, data, parameters in OF_LIGHTGBM:
        predictions[f"lightgbm-{name}.txt"] = record_lightgbm(name, data, parameters)
    forest = {"num_trees": 4, "max_depth": 4, "compute_oob_performances": False}
    for name, data, votes in (("forest", "wine", False), ("votes", "cancer", True)):
        predictions[f"ydf-{name}"] = record_ydf(
            name, data, ydf.RandomForestLearner, winner_take_all=votes, **forest
        )
    datas = {**{n: n for n in DATA}, **{n: d for n, d, _ in (*OF_XGBOOST, *OF_LIGHTGBM)}}
    of_model = {k: datas.get(k.partition("-")[2].split(".")[0], "") for k in predictions}
    of_model |= {"ydf-forest": "wine", "ydf-votes": "cancer", "lightgbm-forest.txt": "diabetes", "xgboost-forest.ubj": "wine"}  # fmt: skip
    np.savez_compressed(HERE / "rows.npz", **{name: rows_of(name) for name in DATA})
    held = {f"{data}/{model}": predictions[model] for model, data in of_model.items()}
    np.savez_compressed(HERE / "predictions.npz", **held)


if __name__ == "__main__":
    main()
