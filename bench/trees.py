"""Times predictions of ensembles of trees beside the libraries that have made them: one thread, CPU time and wall time, the best of rounds taken in turns.

The packages lightgbm, xgboost (or xgboost-cpu), ydf and scikit-learn must be installed. Each fits 100 trees to 4,000 drawn rows of 20 numbers; predictions are of
NumPy arrays, by YDF of a dictionary of columns, from Python. They are compared before they are timed.

Usage: trees.py [--only TEXT] [--rounds 5] [--seconds 0.3]
"""

from __future__ import annotations

import argparse
import functools
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["PENSTOCK_THREADS"] = "1"

import numpy as np

import penstock as tf

FEATURES, TREES = 20, 100
BATCHES = (1, 1000, 100_000)
Predict = Callable[[np.ndarray], Any]


def drawn() -> tuple[np.ndarray, np.ndarray]:
    """Rows, and numbers that follow from them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, FEATURES)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + np.abs(x[:, 3]) + x[:, 4:8].sum(1)
    return x, (y + rng.normal(size=len(x)) * 0.3).astype(np.float32)


def lightgbm(folder: str) -> tuple[Any, Predict]:
    """31 leaves a tree, its default."""
    import lightgbm

    options = {"verbose": -1, "num_threads": 1}
    model = lightgbm.train(options, lightgbm.Dataset(*drawn()), TREES)
    path = os.path.join(folder, "lightgbm.txt")
    model.save_model(path)
    return path, lambda x: model.predict(x, num_threads=1)


def xgboost(folder: str) -> tuple[Any, Predict]:
    """Up to 64 leaves a tree, its default."""
    import xgboost

    model = xgboost.train({"nthread": 1}, xgboost.DMatrix(*drawn(), nthread=1), TREES)
    model.set_param({"nthread": 1})
    path = os.path.join(folder, "xgboost.ubj")
    model.save_model(path)
    return path, model.inplace_predict


def _ydf(learner: str, **options: Any) -> tuple[Any, Predict]:
    import ydf

    ydf.verbose(0)
    x, y = drawn()
    made = getattr(ydf, learner)(label="y", task=ydf.Task.REGRESSION, num_threads=1, **options)
    model = made.train({**_columns(x), "y": y})
    return model, lambda x: model.predict(_columns(x), num_threads=1)


def _columns(x: np.ndarray) -> dict[str, np.ndarray]:
    return {f"f{i:02}": x[:, i] for i in range(FEATURES)}


def ydf_boosted(_folder: str) -> tuple[Any, Predict]:
    """Up to 32 leaves a tree, its default."""
    fixed = {"early_stopping": "NONE", "validation_ratio": 0.0}
    return _ydf("GradientBoostedTreesLearner", num_trees=TREES, **fixed)


def ydf_forest(_folder: str) -> tuple[Any, Predict]:
    """Some 500 leaves a tree."""
    return _ydf("RandomForestLearner", num_trees=TREES, compute_oob_performances=False)


def _estimator(name: str, **options: Any) -> tuple[Any, Predict]:
    from sklearn import ensemble

    model = getattr(ensemble, name)(**options).fit(*drawn())
    return model, model.predict


def sklearn_forest(_folder: str) -> tuple[Any, Predict]:
    """Some 2,500 leaves a tree, its default."""
    return _estimator("RandomForestRegressor", n_estimators=TREES, n_jobs=1, random_state=0)


def sklearn_boosted(_folder: str) -> tuple[Any, Predict]:
    """8 leaves a tree, its default."""
    return _estimator("GradientBoostingRegressor", n_estimators=TREES)


def sklearn_histograms(_folder: str) -> tuple[Any, Predict]:
    """31 leaves a tree, its default."""
    return _estimator("HistGradientBoostingRegressor", max_iter=TREES)


CASES = {
    "LightGBM": lightgbm,
    "XGBoost": xgboost,
    "YDF, boosted": ydf_boosted,
    "YDF, forest": ydf_forest,
    "scikit-learn, forest": sklearn_forest,
    "scikit-learn, boosted": sklearn_boosted,
    "scikit-learn, histograms": sklearn_histograms,
}


def best_of(
    functions: list[Callable[[], Any]], rounds: int, seconds: float
) -> list[tuple[float, float]]:
    """Returns the least CPU and wall time of a call of each, in microseconds, of rounds in turns."""
    counts = []
    for function in functions:
        function()
        start = time.perf_counter()
        function()
        counts.append(max(1, int(seconds / max(1e-9, time.perf_counter() - start))))
    best = [(np.inf, np.inf)] * len(functions)
    for _ in range(rounds):
        for i, (function, count) in enumerate(zip(functions, counts, strict=True)):
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in range(count):
                function()
            took = (time.process_time() - cpu) / count, (time.perf_counter() - wall) / count
            best[i] = tuple(min(a, b * 1e6) for a, b in zip(best[i], took, strict=True))
    return best


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a part of the names of cases")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of a round of calls")
    options = parser.parse_args()
    rows = np.random.default_rng(1).normal(size=(max(BATCHES), FEATURES)).astype(np.float32)
    print("microseconds of CPU (wall): rows, library, Penstock, times")
    for name, fit in CASES.items():
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            source, predict = fit(folder)
            model = tf.trees.load(source)
        np.testing.assert_allclose(
            model.predict(rows[:5000]), predict(rows[:5000]), rtol=2e-5, atol=2e-5
        )
        for batch in BATCHES:
            x = np.ascontiguousarray(rows[:batch])
            calls = [functools.partial(predict, x), functools.partial(model.predict, x)]
            theirs, ours = best_of(calls, options.rounds, options.seconds)
            shown = [f"{cpu:12.1f} ({wall:.1f})" for cpu, wall in (theirs, ours)]
            print(
                f"{name:26} {batch:7} {shown[0]:>26} {shown[1]:>24} {theirs[0] / ours[0]:6.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
