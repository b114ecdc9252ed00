"""Records SavedModels of TensorFlow Decision Forests and what they predict; by hand, where it is installed beside TensorFlow."""

import pathlib
import shutil

import numpy as np
import pandas
import tensorflow_decision_forests as forests

HERE = pathlib.Path(__file__).parent
keras = forests.keras
MODELS = {
    "decision-forests-boosted": (keras.GradientBoostedTreesModel, 2),
    "decision-forests-forest": (keras.RandomForestModel, 0),
}


def columns(rows=120):
    """Texts and whole numbers as categories, and numbers, some missing."""
    rng = np.random.default_rng(0)
    made = {
        "color": np.array(["red", "green", "a b", ""])[rng.integers(4, size=rows)],
        "size": rng.normal(size=rows).astype(np.float32),
        "zip": rng.integers(1, 9, rows),
        "age": rng.integers(0, 40, rows),
    }
    made["size"][::17] = np.nan
    return made


def main():
    """Writes a folder for each model: the SavedModel, and `predicted.npz`."""
    usage, semantic = keras.FeatureUsage, keras.FeatureSemantic
    features = [
        usage("zip", semantic=semantic.CATEGORICAL),
        usage("color", semantic=semantic.CATEGORICAL, min_vocab_frequency=1),
        usage("size"),
        usage("age"),
    ]
    for name, (make, classes) in MODELS.items():
        rows = columns()
        score = (rows["color"] == "red") * 2 + np.nan_to_num(rows["size"]) + rows["age"] / 20
        kind = (score > np.median(score)).astype(int) if classes else score
        task = keras.Task.CLASSIFICATION if classes else keras.Task.REGRESSION
        frame = pandas.DataFrame({**rows, "kind": kind}).astype({"color": object})
        data = keras.pd_dataframe_to_tf_dataset(frame, label="kind", task=task)
        model = make(task=task, features=features, num_trees=3, max_depth=4, verbose=0)
        model.fit(data)
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save(folder)
        (folder / "keras_metadata.pb").unlink()
        (folder / "fingerprint.pb").unlink()
        rows["color"] = rows["color"].astype("S")
        rows["zip"][:3] = -1, 7000, -9
        table = {k: v.astype(object) if v.dtype.kind == "S" else v for k, v in rows.items()}
        predicted = model.predict(table, verbose=0)
        np.savez_compressed(folder / "predicted.npz", predicted=predicted, **rows)


if __name__ == "__main__":
    main()
