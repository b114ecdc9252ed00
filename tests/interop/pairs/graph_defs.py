"""GraphDefs and MetaGraphDefs, binary and as text."""

from typing import Any

import numpy as np


class Graphs:
    """A graph with functions, branches and loops, imported with other inputs."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1

        @tf.function
        def square(x: Any) -> Any:
            return x * x

        with tf.Graph().as_default() as graph:
            x = v1.placeholder(tf.float32, [None, 2], "x")
            n = v1.placeholder_with_default(3, [], "n")
            kernel = tf.constant(np.arange(6.0, dtype=np.float32).reshape(2, 3), name="kernel")
            y = tf.nn.relu(square(tf.matmul(x, kernel)), name="y")
            tf.cond(n > 2, lambda: y * 2, lambda: y - 1)
            looped = tf.while_loop(lambda i, a: i < n, lambda i, a: (i + 1, a * 2.0), [0, y])
            tf.identity(looped[1], name="looped")
            branch = tf.cond(tf.reduce_sum(x) > 0, lambda: y * 2, lambda: y - 1)
            tf.identity(branch, name="branch")
            tf.identity(
                tf.nn.conv2d(tf.reshape(y, [1, -1, 3, 1]), tf.ones([1, 2, 1, 2]), 1, "SAME"),
                name="conv",
            )
            tf.strings.join(["a", tf.strings.as_string(n)], "-", name="joined")
            v1.train.export_meta_graph(folder + "/g.meta")
        definition = graph.as_graph_def()
        tf.io.write_graph(definition, folder, "g.pb", as_text=False)
        tf.io.write_graph(definition, folder, "g.pbtxt")
        return sorted(
            node.name
            for node in definition.node
            if node.name in ("x", "n", "kernel", "y", "looped")
        )

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        from google.protobuf import text_format

        v1 = tf.compat.v1
        binary = v1.GraphDef.FromString(open(folder + "/g.pb", "rb").read())
        text = text_format.Parse(open(folder + "/g.pbtxt").read(), v1.GraphDef())
        outputs = ["y:0", "looped:0", "branch:0", "conv:0", "joined:0"]
        feeds = {"x:0": [[1.0, 2.0]], "n:0": 2}
        found = {"same": len(text.node) == len(binary.node)}
        for name, definition in (("binary", binary), ("text", text)):
            with tf.Graph().as_default(), v1.Session() as session:
                tf.graph_util.import_graph_def(definition, name="")
                found[name] = (
                    session.run(outputs, feeds),
                    session.run("looped:0", {"x:0": [[0.5, 0.0]]}),
                )
        with tf.Graph().as_default(), v1.Session() as session:
            other = tf.constant([[3.0, 1.0]])
            (y,) = tf.graph_util.import_graph_def(binary, {"x": other}, ["y:0"], name="in")
            found["mapped"] = session.run(y), y.name, y.shape.rank
        with tf.Graph().as_default(), v1.Session() as session:
            v1.train.import_meta_graph(folder + "/g.meta")
            found["meta"] = session.run(outputs, feeds)
        wrapped = v1.wrap_function(
            lambda: tf.graph_util.import_graph_def(binary, name=""), []
        ).prune("x:0", ["y:0", "conv:0"])
        found["pruned"] = wrapped(tf.constant([[1.0, 1.0]]))
        return found


class Frozen:
    """A trained graph whose variables became constants, and the file of a whole function."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default() as graph, v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 2], "x")
            w = v1.get_variable("w", initializer=tf.constant([[1.0], [2.0]]), use_resource=False)
            r = v1.get_variable("r", initializer=tf.constant([3.0]), use_resource=True)
            tf.add(tf.matmul(x, w), r, name="y")
            session.run(v1.global_variables_initializer())
            frozen = v1.graph_util.convert_variables_to_constants(
                session, graph.as_graph_def(), ["y"]
            )
        tf.io.write_graph(frozen, folder, "frozen.pb", as_text=False)
        return sorted({node.op for node in frozen.node})

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        definition = v1.GraphDef.FromString(open(folder + "/frozen.pb", "rb").read())
        with tf.Graph().as_default(), v1.Session() as session:
            tf.graph_util.import_graph_def(definition, name="")
            return session.run("y:0", {"x:0": [[1.0, 1.0]]})
