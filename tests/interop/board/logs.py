"""Writes the logs that the tests look at: python logs.py FOLDER.

It imports `tensorflow`, so that it runs on TensorFlow too, to compare.
"""

import os
import sys

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
SCALARS = [2.0, 1.0, 0.5, 0.25]


def summaries(folder):
    """A summary of each kind, from eager code and from a function."""
    writer = tf.summary.create_file_writer(folder)

    @tf.function
    def step(number, value):
        with writer.as_default(step=number):
            tf.summary.scalar("loss/train", value, description="How *wrong*")
            tf.summary.histogram("weights", value * tf.constant([0.0, 1.0, 2.0, 4.0]), buckets=4)

    for number, value in enumerate(SCALARS):
        step(tf.constant(number, tf.int64), tf.constant(value))
    with writer.as_default(step=3):
        red = np.zeros([1, 6, 8, 3], np.uint8)
        red[..., 0] = 255
        tf.summary.image("red", red)
        wave = np.sin(np.arange(800) / 800 * 2 * np.pi * 44).astype(np.float32)
        tf.summary.audio("tone", wave[None, :, None], 8000)
        tf.summary.text("words", ["# Title", "plain *text*"])
        tf.summary.text("table", [["a", "b"], ["c", "d"]])
    writer.close()


def graphs(folder):
    """The graph of a function with a trace of its run, and a Keras model's."""

    @tf.function
    def forward(x):
        with tf.name_scope("inner"):
            return tf.nn.relu(x @ tf.ones([3, 2]))

    writer = tf.summary.create_file_writer(folder)
    with writer.as_default():
        tf.summary.graph(forward.get_concrete_function(tf.ones([2, 3])).graph)
        tf.summary.trace_on(graph=True)
        forward(tf.ones([2, 3]))
        tf.summary.trace_export("forward", step=0)
    writer.close()


def sessions(folder):
    """A graph of TensorFlow 1 with RunMetadata, and one summary of each of its kinds."""
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        with v1.name_scope("layer"):
            y = tf.nn.relu(tf.matmul(x, tf.ones([3, 2])), name="y")
        v1.summary.scalar("mean", tf.reduce_mean(y))
        v1.summary.histogram("values", y)
        stripes = tf.constant([1.0, 0.2, 0.6, 0.2, 1.0])
        v1.summary.image("picture", tf.ones([1, 4, 5, 1]) * stripes[:, None])
        v1.summary.audio("sound", tf.zeros([1, 100, 1]), 8000.0)
        v1.summary.text("note", tf.constant(["hello"]))
        merged = v1.summary.merge_all()
        writer = v1.summary.FileWriter(folder, session.graph)
        options, metadata = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), v1.RunMetadata()
        feeds = {x: np.ones([10_000, 3])}  # enough for times of microseconds
        found = session.run(merged, feeds, options=options, run_metadata=metadata)
        writer.add_summary(found, 5)
        writer.add_run_metadata(metadata, "step5", 5)
        writer.close()


def trials(folder):
    """Two runs with hyperparameters, and the experiment that they belong to."""
    from tensorboard.plugins.hparams import api as hparams

    rate = hparams.HParam("rate", hparams.Discrete([0.1, 0.01]))
    name = hparams.HParam("optimizer", hparams.Discrete(["adam", "sgd"]))
    with tf.summary.create_file_writer(folder).as_default():
        metric = hparams.Metric("accuracy", display_name="Accuracy")
        hparams.hparams_config(hparams=[rate, name], metrics=[metric])
    for run, (values, accuracy) in {
        "one": ({rate: 0.1, name: "adam"}, 0.75),
        "two": ({rate: 0.01, name: "sgd"}, 0.5),
    }.items():
        with tf.summary.create_file_writer(os.path.join(folder, run)).as_default():
            hparams.hparams(values, trial_id=run)
            tf.summary.scalar("accuracy", accuracy, step=1)


def embeddings(folder):
    """A checkpoint of points with labels, for the projector."""
    from tensorboard.plugins import projector

    with tf.summary.create_file_writer(folder).as_default(step=0):
        tf.summary.scalar("points", 5.0)  # TensorBoard looks only into folders of event files
    points = tf.Variable(np.arange(20, dtype=np.float32).reshape(5, 4))
    tf.train.Checkpoint(embedding=points).save(os.path.join(folder, "embedding.ckpt"))
    with open(os.path.join(folder, "labels.tsv"), "w", encoding="utf-8") as file:
        file.write("".join(f"point {at}\n" for at in range(5)))
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add()
    embedding.tensor_name = "embedding/.ATTRIBUTES/VARIABLE_VALUE"
    embedding.metadata_path = "labels.tsv"
    projector.visualize_embeddings(folder, config)


def curves(folder):
    """A PR curve in the format of TensorFlow 1, by TensorBoard's own operations."""
    from tensorboard.plugins.pr_curve import summary

    with tf.Graph().as_default(), v1.Session() as session:
        made = summary.op(
            "quality",
            labels=tf.constant([False, True, True, False]),
            predictions=tf.constant([0.1, 0.9, 0.4, 0.6]),
            num_thresholds=5,
        )
        with v1.summary.FileWriter(folder) as writer:
            writer.add_summary(session.run(made), 2)


def meshes(folder):
    """A triangle with colors."""
    from tensorboard.plugins.mesh import summary_v2

    with tf.summary.create_file_writer(folder).as_default():
        corners = tf.constant([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]])
        colors = tf.constant([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], tf.int32)
        faces = tf.constant([[[0, 1, 2]]], tf.int32)
        summary_v2.mesh("triangle", corners, faces, colors, step=1)


def profiles(folder):
    """Three steps of a function, profiled."""

    @tf.function
    def work(x):
        return tf.reduce_sum(tf.exp(x @ x) + 1.0)

    x = tf.ones([200, 200]) * 1e-3
    work(x)
    with tf.profiler.experimental.Profile(folder):
        for number in range(3):
            with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
                work(x)


def fits(folder):
    """A Keras model's training, by the TensorBoard callback."""
    keras = tf.keras
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(2, name="dense_one")])
    model.compile("sgd", "mse")
    callback = keras.callbacks.TensorBoard(folder, histogram_freq=1)
    x, y = np.ones([8, 3], np.float32), np.ones([8, 2], np.float32)
    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback])


ALL = (
    summaries,
    graphs,
    sessions,
    trials,
    embeddings,
    curves,
    meshes,
    profiles,
    fits,
)

if __name__ == "__main__":
    for write in ALL:
        write(os.path.join(sys.argv[1], write.__name__))
