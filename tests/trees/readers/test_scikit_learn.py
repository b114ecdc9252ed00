"""Fitted estimators of scikit-learn predict the same as models."""

import numpy as np
import pytest

import penstock as tf

datasets = pytest.importorskip("sklearn.datasets")
ensemble = pytest.importorskip("sklearn.ensemble")
tree = pytest.importorskip("sklearn.tree")
DATA = {name: getattr(datasets, f"load_{name}")(return_X_y=True) for name in ("breast_cancer", "digits", "wine", "iris", "diabetes")}  # fmt: skip
CLASSES = [name for name in DATA if name != "diabetes"]
FEW = {"n_estimators": 8, "random_state": 0}
CLASSIFIERS = {
    "RandomForestClassifier": FEW,
    "ExtraTreesClassifier": FEW,
    "GradientBoostingClassifier": FEW,
    "HistGradientBoostingClassifier": {"max_iter": 6, "random_state": 0},
    "DecisionTreeClassifier": {"random_state": 0},
}
REGRESSORS = [
    ("RandomForestRegressor", FEW),
    ("ExtraTreesRegressor", FEW),
    ("GradientBoostingRegressor", FEW),
    ("GradientBoostingRegressor", {**FEW, "init": "zero"}),
    ("GradientBoostingRegressor", {**FEW, "loss": "huber"}),
    ("HistGradientBoostingRegressor", {"max_iter": 6}),
    ("HistGradientBoostingRegressor", {"max_iter": 6, "loss": "poisson"}),
    ("DecisionTreeRegressor", {}),
    ("ExtraTreeRegressor", {"random_state": 0}),
]


def made(name, options):
    return getattr(ensemble, name, None) or getattr(tree, name), options


@pytest.mark.parametrize("data", CLASSES)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name, data):
    kind, options = made(name, CLASSIFIERS[name])
    x, y = DATA[data]
    estimator = kind(**options).fit(x, y)
    model = tf.trees.load(estimator)
    np.testing.assert_allclose(model.predict(x), estimator.predict_proba(x), rtol=1e-13, atol=1e-15)
    assert model.labels == tuple(estimator.classes_.tolist())


@pytest.mark.parametrize(("name", "options"), REGRESSORS)
def test_regressors(name, options):
    kind, options = made(name, options)
    x, y = DATA["diabetes"]
    estimator = kind(**options).fit(x, y)
    np.testing.assert_allclose(
        tf.trees.load(estimator).predict(x), estimator.predict(x), rtol=1e-14
    )


def test_exponential_loss():
    x, y = DATA["breast_cancer"]
    estimator = ensemble.GradientBoostingClassifier(loss="exponential", **FEW).fit(x, y)
    made = tf.trees.load(estimator).predict(x)
    np.testing.assert_allclose(made, estimator.predict_proba(x), rtol=1e-12)


@pytest.mark.parametrize("name", ["HistGradientBoostingRegressor", "RandomForestRegressor", "ExtraTreesRegressor"])  # fmt: skip
def test_missing_numbers(name):
    x, y = DATA["diabetes"]
    x = np.where(np.random.default_rng(0).random(x.shape) < 0.2, np.nan, x)
    options = {"max_iter": 20} if name.startswith("Hist") else FEW
    estimator = getattr(ensemble, name)(**options).fit(x, y)
    np.testing.assert_allclose(
        tf.trees.load(estimator).predict(x), estimator.predict(x), rtol=1e-14
    )


def test_categories_and_those_that_fitting_has_not_met():
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(size=800), rng.integers(3, 40, 800), rng.normal(size=800)], 1)
    y = np.sin(3 * x[:, 1]) + x[:, 0]
    x[rng.random(x.shape) < 0.1] = np.nan
    estimator = ensemble.HistGradientBoostingRegressor(categorical_features=[1], max_iter=20).fit(
        x, y
    )
    new = x[:60].copy()
    new[:20, 1] = [-1, 0, 2, 41, 300, 1e9, 5.5, -0.5, 39.999, np.nan] * 2
    for rows in (x, new):
        made = tf.trees.load(estimator).predict(rows)
        np.testing.assert_allclose(made, estimator.predict(rows), rtol=1e-14)


def test_rows_of_float32_and_of_whole_numbers():
    x, y = DATA["digits"]
    estimator = ensemble.RandomForestClassifier(**FEW).fit(x, y)
    model = tf.trees.load(estimator)
    expected = estimator.predict_proba(x)
    for rows in (x.astype(np.float32), x.astype(np.int64), x.tolist()):
        np.testing.assert_allclose(model.predict(rows), expected, rtol=1e-13)


def test_classes_with_names():
    x, y = DATA["iris"]
    estimator = tree.DecisionTreeClassifier().fit(x, np.array(["a", "b", "c"])[y])
    assert tf.trees.load(estimator).labels == ("a", "b", "c")


def test_what_is_not_read():
    x, y = DATA["iris"]
    with pytest.raises(tf.errors.FailedPreconditionError, match="fit"):
        tf.trees.load(ensemble.RandomForestClassifier())
    with pytest.raises(tf.errors.UnimplementedError, match="AdaBoostClassifier"):
        tf.trees.load(ensemble.AdaBoostClassifier().fit(x, y))
    with pytest.raises(tf.errors.UnimplementedError, match="several outputs"):
        tf.trees.load(tree.DecisionTreeRegressor().fit(x, np.stack([y, y], 1)))
