"""Event files of TensorBoard."""

from pathlib import Path
from typing import Any

import numpy as np


class Summaries:
    """Summaries of every kind, with their metadata."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        writer = tf.summary.create_file_writer(folder + "/logs")
        with writer.as_default(step=1):
            tf.summary.scalar("scalar", 0.5, description="a number")
            tf.summary.histogram("histogram", np.arange(100.0), buckets=5)
            tf.summary.image("image", np.linspace(0.0, 1.0, 48).reshape(1, 4, 4, 3))
            tf.summary.text("text", ["one", "two"], step=3)
            tf.summary.audio("audio", np.zeros([1, 8, 1], np.float32), 8000)
            tf.summary.write("own", tf.constant([1, 2]), step=4)
            with tf.summary.record_if(False):
                tf.summary.scalar("silent", 1.0)
            with tf.name_scope("scope"):
                tf.summary.scalar("inner", 2)
        writer.close()
        return None

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        (file,) = Path(folder, "logs").glob("*")
        found = []
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                tensor = tf.make_ndarray(value.tensor)
                if value.tag in ("image", "audio"):  # encoders may differ in their bytes
                    tensor = tensor[:2] if value.tag == "image" else tensor.shape
                plugin = value.metadata.plugin_data
                found.append(
                    [
                        event.step,
                        value.tag,
                        tensor,
                        plugin.plugin_name,
                        plugin.content,
                        value.metadata.summary_description,
                    ]
                )
        return found


class V1:
    """What tf.compat.v1's FileWriter writes: graphs, metadata of runs, old summaries."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default() as graph, v1.Session() as session:
            x = v1.placeholder(tf.float32, [None], "x")
            y = tf.reduce_sum(x * 2, name="y")
            v1.summary.scalar("sum", y)
            v1.summary.histogram("values", x)
            v1.summary.text("words", tf.constant("hello"))
            merged = v1.summary.merge_all()
            with v1.summary.FileWriter(folder + "/logs", graph, filename_suffix=".v1") as writer:
                options = v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE)
                metadata = v1.RunMetadata()
                text = session.run(merged, {x: [1.0, 2.0]}, options, metadata)
                writer.add_summary(text, 7)
                writer.add_run_metadata(metadata, "run")
                names = {
                    stats.node_name
                    for device in metadata.step_stats.dev_stats
                    for stats in device.node_stats
                }
        return "y" in names

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        (file,) = Path(folder, "logs").glob("*.v1")
        found = []
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            kind = event.WhichOneof("what")
            if kind == "graph_def":
                graph = tf.compat.v1.GraphDef.FromString(event.graph_def)
                found.append(
                    [kind, sorted(node.name for node in graph.node if node.name in ("x", "y"))]
                )
            elif kind == "summary":
                for value in event.summary.value:
                    histogram = [value.histo.num, value.histo.sum, value.histo.bucket]
                    found.append([event.step, value.tag, value.simple_value, histogram])
            elif kind == "tagged_run_metadata":
                metadata = tf.compat.v1.RunMetadata.FromString(
                    event.tagged_run_metadata.run_metadata
                )
                found.append(
                    [kind, event.tagged_run_metadata.tag, len(metadata.step_stats.dev_stats) > 0]
                )
            else:
                found.append([kind, event.file_version])
        return found
