"""Libraries over TensorFlow in small programs, each where it is installed."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Libraries that each program needs, the program, and what it prints last.
PROGRAMS = {
    "keras_2": (
        "tf_keras",
        """
        import tf_keras as keras
        x = tf.random.stateless_normal([8, 5, 3], [1, 2])
        model = keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(4), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x, tf.reduce_sum(x, [1, 2])[:, None], epochs=2, verbose=0)
        a = keras.Input((3,))
        b = tf.concat([tf.nn.relu(a) + a, a * 2], 1)
        print(keras.Model(a, tf.reshape(b, [-1, 2, 3]))(tf.ones([2, 3])).shape, model(x).shape)
        """,
        "(2, 2, 3) (8, 1)",
    ),
    "recommenders": (
        "tensorflow_recommenders tf_keras",
        """
        import tensorflow_recommenders as tfrs
        class Model(tfrs.Model):
            def __init__(self):
                super().__init__()
                self.users, self.films = [tf.keras.layers.Embedding(20, 4) for _ in range(2)]
                films = tf.data.Dataset.range(20).batch(8).map(self.films)
                self.task = tfrs.tasks.Retrieval(
                    metrics=tfrs.metrics.FactorizedTopK(films, ks=[1, 20]))
            def compute_loss(self, features, training=False):
                return self.task(self.users(features["user"]), self.films(features["film"]))
        numbers = tf.range(20)
        data = tf.data.Dataset.from_tensor_slices({"user": numbers, "film": numbers}).batch(10)
        model = Model()
        model.compile(optimizer=tf.keras.optimizers.Adagrad(1.0))
        model.fit(data, epochs=20, verbose=0)
        found = model.evaluate(data, return_dict=True, verbose=0)
        index = tfrs.layers.factorized_top_k.BruteForce(model.users, k=3)
        index.index(model.films(numbers), numbers)
        crossed = tfrs.layers.dcn.Cross()(tf.ones([2, 3]), tf.ones([2, 3]))
        print(found["factorized_top_k/top_20_categorical_accuracy"], index(numbers[:2])[1].shape,
              crossed.shape)
        """,
        "1.0 (2, 3) (2, 3)",
    ),
    "hub": (
        "tensorflow_hub tf_keras",
        """
        import tensorflow_hub as hub
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 2])
            w = v1.get_variable("w", initializer=tf.constant([[2.0], [3.0]]))
            session.run(w.initializer)
            v1.saved_model.simple_save(session, "old", {"x": x}, {"y": x @ w})
        class Model(tf.Module):
            def __init__(self):
                self.w = tf.Variable([[2.0], [3.0]])
            @tf.function(input_signature=[tf.TensorSpec([None, 2])])
            def __call__(self, x):
                return x @ self.w
        tf.saved_model.save(Model(), "new")
        x = tf.ones([1, 2])
        old, new = hub.load("old"), hub.load("new")
        layer = hub.KerasLayer("new")
        print(*[float(y[0, 0]) for y in (old.signatures["serving_default"](x)["y"], new(x), layer(x))])
        """,
        "5.0 5.0 5.0",
    ),
    "datasets": (
        "tensorflow_datasets",
        """
        import numpy as np
        import tensorflow_datasets as tfds
        class Numbers(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.0.0")
            def _info(self):
                features = {"x": tfds.features.Tensor(shape=(3,), dtype=np.float32),
                            "label": tfds.features.ClassLabel(names=["a", "b"])}
                return tfds.core.DatasetInfo(
                    builder=self, features=tfds.features.FeaturesDict(features),
                    supervised_keys=("x", "label"))
            def _split_generators(self, dl_manager):
                return {"train": self._generate_examples(10)}
            def _generate_examples(self, count):
                for i in range(count):
                    yield i, {"x": np.full(3, i, np.float32), "label": "ab"[i % 2]}
        builder = Numbers(data_dir="data")
        builder.download_and_prepare()
        pairs = builder.as_dataset(split="train[:50%]", as_supervised=True)
        print(len(list(pairs)), next(iter(pairs.batch(2)))[0].shape)
        """,
        "5 (2, 3)",
    ),
    "tensorboard": (
        "tensorboard",
        """
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.plugins import projector
        from tensorboard.plugins.hparams import api as hparams
        writer = tf.summary.create_file_writer("logs")
        with writer.as_default():
            hparams.hparams({"rate": 0.1}, trial_id="a")
            tf.summary.scalar("loss", 0.5, step=1)
            tf.summary.image("image", tf.zeros([1, 4, 4, 3]), step=1)
            tf.summary.text("text", "words", step=1)
        writer.close()
        config = projector.ProjectorConfig()
        config.embeddings.add().tensor_name = "embedding"
        projector.visualize_embeddings("logs", config)
        events = EventAccumulator("logs")
        events.Reload()
        print(*sorted(events.Tags()["tensors"]))
        """,
        "_hparams_/session_start_info image loss text",
    ),
    "transform": (
        "tensorflow_transform tfx_bsl apache_beam",
        """
        import gc
        import tensorflow_transform as tft
        import tensorflow_transform.beam as tft_beam
        from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils
        spec = {name: tf.io.FixedLenFeature([], kind) for name, kind in [("x", tf.float32), ("s", tf.string)]}
        known = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
        rows = [{"x": 1.0, "s": "a"}, {"x": 2.0, "s": "b"}, {"x": 4.5, "s": "a"}]
        def transformed(inputs):
            words = tft.compute_and_apply_vocabulary(inputs["s"], vocab_filename="words")
            return {"x": tft.scale_to_z_score(inputs["x"]), "s": words}
        def main():
            with tft_beam.Context(temp_dir="temporary"):
                analysis = tft_beam.AnalyzeAndTransformDataset(transformed)
                (found, _), function = (rows, known) | analysis
                function | tft_beam.WriteTransformFn("written")
            return [row["x"] for row in found], [row["s"] for row in found]
        x, s = main()
        gc.collect()  # else Python's end frees protocol buffers of the coders after the library
        served = tft.TFTransformOutput("written").transform_features_layer()
        again = served({"x": tf.constant([1.0, 2.0, 4.5]), "s": tf.constant(["a", "b", "a"])})
        print(x == again["x"].numpy().tolist(), s, again["s"].numpy(), abs(sum(x)) < 1e-6)
        """,
        "True [0, 1, 0] [0 1 0] True",
    ),
    "model_analysis": (
        "tensorflow_model_analysis tfx_bsl apache_beam IPython ipywidgets google_crc32c",
        """
        import pandas as pd
        from google.protobuf import text_format
        from tensorflow_model_analysis.api.model_eval_lib import analyze_raw_data
        from tensorflow_model_analysis.proto.config_pb2 import EvalConfig
        rows = {"label": [0.0, 1.0, 1.0, 0.0], "late": [0.1, 0.9, 0.4, 0.6], "at": ["a", "a", "b", "b"]}
        config = '''model_specs { label_key: "label" prediction_key: "late" }
            metrics_specs { metrics { class_name: "AUC" } }
            slicing_specs {} slicing_specs { feature_keys: ["at"] }'''
        found = analyze_raw_data(pd.DataFrame(rows), text_format.Parse(config, EvalConfig()))
        aucs = {key: round(m[""][""]["auc"]["doubleValue"], 4) for key, m in found.slicing_metrics}
        print([aucs[key] for key in [(), (("at", "a"),), (("at", "b"),)]])
        """,
        "[0.75, 1.0, 0.0]",
    ),
    "keras_hub": (
        "keras_hub",
        """
        import keras, keras_hub, numpy as np
        from keras_hub.models import LlamaBackbone, LlamaCausalLM
        keras.utils.set_random_seed(3)
        backbone = LlamaBackbone(vocabulary_size=50, num_layers=1, num_query_heads=2, num_key_value_heads=1,
                                 hidden_dim=8, intermediate_dim=16)
        model = LlamaCausalLM(backbone=backbone, preprocessor=None)
        model.save_to_preset("preset")
        def prompt(rows, length):
            held = np.arange(12)[None] < length
            tokens = np.where(held, np.arange(1, 13), 0)
            return {"token_ids": np.repeat(tokens, rows, 0), "padding_mask": np.repeat(held, rows, 0)}
        def tokens(model, length):
            return model.generate(prompt(2, length), stop_token_ids=None)["token_ids"][0].tolist()
        model.compile(sampler=keras_hub.samplers.TopKSampler(k=5, seed=7))
        drawn = tokens(model, 3)
        tuned = LlamaCausalLM.from_preset("preset")
        tuned.backbone.enable_lora(2)
        tuned.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), sampler="greedy")
        x = prompt(4, 12)
        losses = tuned.fit(x, np.roll(x["token_ids"], -1, 1), epochs=3, verbose=0).history["loss"]
        before = tokens(tuned, 4)
        tuned.quantize("int8")
        print(drawn, tokens(tuned, 4)[:5] == before[:5], losses[2] < losses[0])
        """,
        "[1, 2, 3, 40, 3, 40, 4, 41, 4, 38, 3, 31] True True",  # tokens: TensorFlow's
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    libraries, program, expected = PROGRAMS[name]
    missing = [library for library in libraries.split() if find_spec(library) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    lines = program.split("\n")
    text = "import tensorflow as tf\n" + "\n".join(line[8:] for line in lines)
    (tmp_path / "program.py").write_text(text)
    legacy = "1" if {"tf_keras", "tensorflow_transform"} & {*libraries.split()} else "0"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_USE_LEGACY_KERAS": legacy}
    command = [sys.executable, "-m", "penstock", "run", "program.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1].startswith(expected), done.stdout
