"""`tensorflow_decision_forests` where Penstock stands for TensorFlow: models that ydf fits."""

import numpy as np
import pytest

import penstock as tf

ydf = pytest.importorskip("ydf")
pandas = pytest.importorskip("pandas")
tf.install_as_tensorflow()

import tensorflow_decision_forests as forests  # noqa: E402  (the stand-in is installed above)

FEW = {"num_trees": 10, "verbose": 0}
BOOSTED = {**FEW, "early_stopping": "NONE", "validation_ratio": 0.0}


def frame(rows=300, classes=2):
    rng = np.random.default_rng(0)
    columns = {
        "color": np.array(["red", "green", "blue"])[rng.integers(3, size=rows)],
        "size (cm)": rng.normal(size=rows),
        "count": rng.integers(0, 9, rows),
    }
    score = (columns["color"] == "red") * 2 + columns["size (cm)"]
    columns["size (cm)"][::17] = np.nan
    columns["kind"] = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    return pandas.DataFrame(columns)


def dataset(data, **options):
    return forests.keras.pd_dataframe_to_tf_dataset(data, label="kind", **options)


@pytest.mark.parametrize("classes", [2, 3, 11])
@pytest.mark.parametrize("name", ["RandomForestModel", "GradientBoostedTreesModel", "CartModel"])
def test_classes(name, classes):
    data = frame(classes=classes)
    options = {"Random": FEW, "Gradie": BOOSTED, "CartMo": {"verbose": 0}}[name[:6]]
    model = getattr(forests.keras, name)(**options)
    model.fit(dataset(data))
    model.compile(metrics=["accuracy"])
    loss, accuracy = model.evaluate(dataset(data), verbose=0)
    assert loss == 0 and accuracy > 0.55
    made = model.predict(dataset(data), verbose=0)
    assert made.shape == (len(data), 1 if classes == 2 else classes)
    table = {
        "color": data["color"].to_numpy(),
        "size_(cm)": data["size (cm)"].to_numpy(),
        "count": data["count"].to_numpy(),
    }
    expected = model.ydf_model().predict(table)
    np.testing.assert_allclose(made.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)
    predicted = made[:, 0] > 0.5 if classes == 2 else made.argmax(1)
    assert abs((predicted == data["kind"]).mean() - accuracy) < 1e-6


def test_numbers_and_weights():
    data = frame()
    data["weight"] = 1.0
    data["kind"] = data["size (cm)"].fillna(0) * 3
    task = forests.keras.Task.REGRESSION
    model = forests.keras.GradientBoostedTreesModel(task=task, **BOOSTED)
    model.fit(dataset(data, task=task, weight="weight"))
    model.compile(metrics=["mse"])
    held = model.evaluate(dataset(data, task=task), return_dict=True, verbose=0)
    assert 0 < held["mse"] < data["kind"].var()


def test_labels_that_are_texts_are_numbered_in_order():
    data = frame()
    data["kind"] = np.where(data["kind"] == 1, "apple", "pear")
    (_, labels), *_ = dataset(data, batch_size=len(data))
    np.testing.assert_array_equal(labels, (data["kind"] == "pear").astype(int))
    with pytest.raises(ValueError, match="max_num_classes=1"):
        dataset(data, max_num_classes=1)


def test_rows_without_names_and_classes_without_rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    y = np.where(x[:, 0] > 0, 3, np.where(x[:, 1] > 0, 1, 0))
    model = forests.keras.RandomForestModel(**FEW)
    model.fit(x, y, verbose=0)
    made = model.predict(x, verbose=0)
    assert made.shape == (200, 4) and not made[:, 2].any()
    assert (made.argmax(1) == y).mean() > 0.9
    np.testing.assert_allclose(made.sum(1), 1, rtol=1e-5)


def test_a_saved_model(tmp_path):
    data = frame()
    model = forests.keras.RandomForestModel(**FEW)
    model.fit(dataset(data))
    model.save(tmp_path / "model")
    restored = tf.saved_model.load(tmp_path / "model").signatures["serving_default"]
    columns = {
        "color": tf.constant(data["color"].to_numpy().astype(object)),
        "size__cm_": tf.constant(data["size (cm)"].to_numpy(), tf.float32),
        "count": tf.constant(data["count"].to_numpy(), tf.float32),
    }
    made = restored(**columns)["predictions"]
    expected = model.predict(dataset(data), verbose=0)[:, 0]
    np.testing.assert_allclose(made, expected, rtol=1e-6)
    assets = tmp_path / "model" / "assets"
    assert forests.inspector.make_inspector(str(assets)).num_trees() == 10
    columns["size_(cm)"] = columns.pop("size__cm_")  # as the model itself calls it
    of_folder = tf.trees.load(assets).predict({k: v.numpy() for k, v in columns.items()})
    np.testing.assert_array_equal(of_folder, made)


def test_chosen_features():
    usage, semantic = forests.keras.FeatureUsage, forests.keras.FeatureSemantic
    model = forests.keras.RandomForestModel(
        features=[usage("count", semantic=semantic.CATEGORICAL), usage("color")],
        exclude_non_specified_features=True,
        **FEW,
    )
    data = frame()
    model.fit(dataset(data))
    category = forests.py_tree.dataspec.ColumnType.CATEGORICAL
    assert {f.name: f.type for f in model.make_inspector().features()} == {"count": category, "color": category}  # fmt: skip
    made = model.predict(dataset(data), verbose=0)
    expected = model.ydf_model().predict({"count": data["count"], "color": data["color"]})
    np.testing.assert_allclose(made[:, 0], expected, rtol=1e-5)


def test_looking_into_a_model(capsys):
    model = forests.keras.RandomForestModel(**FEW)
    model.fit(dataset(frame()))
    inspector = model.make_inspector()
    assert (inspector.model_type(), inspector.num_trees()) == ("RANDOM_FOREST", 10)
    assert inspector.task is forests.keras.Task.CLASSIFICATION
    assert inspector.label_classes() == ["0", "1"]
    best, _ = inspector.variable_importances()["SUM_SCORE"][0]
    assert best.name in ("color", "size_(cm)")
    category = forests.py_tree.dataspec.ColumnType.CATEGORICAL
    assert (inspector.label().name, inspector.label().type) == ("__LABEL", category)
    last = inspector.training_logs()[-1]
    assert last.num_trees == 10 and last.evaluation == inspector.evaluation()
    assert inspector.evaluation().to_dict().keys() == {"num_examples", "accuracy", "loss"}
    assert inspector.evaluation().accuracy > 0.6
    assert len(inspector.extract_all_trees()) == 10
    assert "svg" in forests.model_plotter.plot_model(model).lower()
    model.summary()
    assert "RANDOM_FOREST" in capsys.readouterr().out


def test_a_tuner():
    tuner = forests.tuner.RandomSearch(num_trials=2)
    tuner.choice("max_depth", [2, 3])
    model = forests.keras.GradientBoostedTreesModel(tuner=tuner, **FEW)
    model.fit(dataset(frame()))
    logs = model.make_inspector().tuning_logs()
    assert set(logs["max_depth"]) <= {2, 3} and len(logs) == 2
    assert logs["score"][logs["best"]].max() == logs["score"].max()


def test_values_that_a_tuner_refuses():
    tuner = forests.tuner.RandomSearch(num_trials=2)
    tuner.choice("max_depth", [2, 3])
    tuner.choice("max_depth", [4], merge=True)
    for values, merge, text in [([], True, "none"), ([4], False, "merge"), ([4.0], True, "int")]:
        with pytest.raises(ValueError, match=text):
            tuner.choice("max_depth", values, merge=merge)


def test_predicted_leaves_are_leaves_of_the_trees():
    model = forests.keras.RandomForestModel(**FEW)
    model.fit(dataset(frame()))
    leaves = model.predict_get_leaves(dataset(frame()))
    tree = model.make_inspector().extract_tree(3)
    _, counts = np.unique(leaves[:, 3], return_counts=True)
    assert leaves.shape == (300, 10) and 1 < len(counts) < 300
    assert repr(tree).count("LeafNode(") - repr(tree).count("NonLeafNode(") >= len(counts)


def test_summaries_of_fitting(tmp_path):
    model = forests.keras.CartModel(verbose=0)
    model.fit(dataset(frame()))
    model.make_inspector().export_to_tensorboard(str(tmp_path))
    (file,) = tmp_path.iterdir()
    tags = {
        value.tag
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert {"model_type", "final/accuracy", "final/aucs/0", "accuracy"} <= tags


def test_templates():
    kind = forests.keras.RandomForestModel
    names = [(t.name, t.version) for t in kind.predefined_hyperparameters()]
    assert ("better_default", 1) in names
    newest = max(t.version for t in kind.predefined_hyperparameters() if t.name == "better_default")
    model = kind(hyperparameter_template="better_default", **FEW)
    same = kind(hyperparameter_template=f"better_default@v{newest}", **FEW)
    for each in (model, same):
        each.fit(dataset(frame()))
    made = [each.predict(dataset(frame()), verbose=0) for each in (model, same)]
    np.testing.assert_array_equal(*made)
    assert model.make_inspector().num_trees() == 10  # what is given counts more
    with pytest.raises(ValueError, match="better_default@v1"):
        kind(hyperparameter_template="better_default@v99")


def test_mistakes():
    model = forests.keras.RandomForestModel(**FEW)
    with pytest.raises(tf.errors.FailedPreconditionError, match="fit"):
        model.predict(dataset(frame()), verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="repeat"):
        model.fit(dataset(frame()).repeat())
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(forests.keras, "no_such_name")  # noqa: B009  (the statement alone would be useless)
