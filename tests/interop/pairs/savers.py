"""`tf.compat.v1.train.Saver`: variables by name, of TensorFlow 1's programs."""

import os
from typing import Any


class Variables:
    """A session's variables, saved into a folder that the saver makes; names of steps and the state file."""

    @staticmethod
    def graph(tf: Any, scale: float) -> None:
        v1 = tf.compat.v1
        with v1.variable_scope("layer"):
            v1.get_variable("w", initializer=tf.ones([2, 2]) * scale, use_resource=False)
            v1.get_variable("r", initializer=tf.ones([3]) * scale, use_resource=True)
        v1.train.get_or_create_global_step()

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            cls.graph(tf, 2.0)
            session.run(v1.global_variables_initializer())
            saver = v1.train.Saver(max_to_keep=2)
            paths = [saver.save(session, folder + "/new/m", global_step=n) for n in (1, 2, 3)]
            return [path.removeprefix(folder) for path in paths], sorted(
                os.listdir(folder + "/new")
            )

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        latest = tf.train.latest_checkpoint(folder + "/new")
        with tf.Graph().as_default(), v1.Session() as session:
            cls.graph(tf, 0.0)
            v1.train.Saver().restore(session, latest)
            own = session.run({each.op.name: each for each in v1.global_variables()})
            own["by name"] = session.run("layer/w:0")
        with tf.Graph().as_default(), v1.Session() as session:
            v1.train.import_meta_graph(latest + ".meta").restore(session, latest)
            imported = session.run({each.op.name: each for each in v1.global_variables()})
        return latest.removeprefix(folder), own, imported, tf.train.list_variables(latest)


class Partitions:
    """Partitioned variables are one key with slices; a reader may cut it in other places, or not at all."""

    @staticmethod
    def variable(tf: Any, partitions: Any, value: Any) -> Any:
        v1 = tf.compat.v1
        partitioner = partitions and v1.fixed_size_partitioner(*partitions)
        with v1.variable_scope("scope"):
            whole = v1.get_variable("q", [4], initializer=v1.zeros_initializer())
            return v1.get_variable("p", initializer=value, partitioner=partitioner), whole

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            cls.variable(tf, (3, 0), tf.reshape(tf.range(14.0), [7, 2]))
            session.run(v1.global_variables_initializer())
            path = v1.train.Saver().save(session, folder + "/m")
            v1.train.Saver(sharded=True).save(session, folder + "/sharded")
        return path.removeprefix(folder)

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        found = [tf.train.load_checkpoint(folder + "/sharded").get_tensor("scope/p")]
        for partitions in (None, (3, 0), (2, 0), (2, 1)):
            with tf.Graph().as_default(), v1.Session() as session:
                partitioned, _ = cls.variable(tf, partitions, tf.zeros([7, 2]))
                v1.train.Saver({"scope/p": partitioned}).restore(session, folder + "/m")
                found.append(session.run(tf.convert_to_tensor(partitioned)))
        with tf.Graph().as_default(), v1.Session() as session:
            v1.train.import_meta_graph(folder + "/m.meta").restore(session, folder + "/m")
            parts = session.run({each.op.name: each for each in v1.global_variables()})
        reader = tf.train.load_checkpoint(folder + "/m")
        return found, parts, reader.get_tensor("scope/p"), tf.train.list_variables(folder + "/m")


class OldFormat:
    """The first format of checkpoints, one file without an index."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            v1.get_variable("a", initializer=tf.range(5.0))
            v1.get_variable("t", initializer=tf.constant(["x", "yy"]))
            session.run(v1.global_variables_initializer())
            saver = v1.train.Saver(write_version=v1.train.SaverDef.V1)
            path = saver.save(session, folder + "/m")
        return path.removeprefix(folder)

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            number = v1.get_variable("a", initializer=tf.zeros([5]))
            text = v1.get_variable("t", initializer=tf.constant(["", ""]))
            v1.train.Saver().restore(session, folder + "/m")
            return session.run([number, text])


class ByName:
    """`Checkpoint.restore` of a file that a Saver wrote."""

    write = Variables.write

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        w, r = (
            tf.Variable(tf.zeros([2, 2]), name="layer/w"),
            tf.Variable(tf.zeros([3]), name="layer/r"),
        )
        checkpoint = tf.train.Checkpoint(w=w, r=r)
        checkpoint.restore(
            tf.train.latest_checkpoint(folder + "/new")
        ).assert_existing_objects_matched()
        return w, r


class Training:
    """A training graph of TensorFlow 1, with references instead of resources, that goes on from where it was saved."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.float32, [None, 2], "x")
            with v1.variable_scope("model", use_resource=False):
                w = v1.get_variable("w", initializer=tf.constant([[1.0], [2.0]]))
                rows = v1.get_variable("rows", initializer=tf.ones([4, 2]))
                step = v1.get_variable("step", initializer=0, trainable=False)
            y = tf.matmul(x + tf.gather(rows, [0, 2]), w, name="y")
            loss = tf.reduce_mean(tf.square(y - 1.0), name="loss")
            for make in (v1.train.AdamOptimizer, v1.train.MomentumOptimizer):
                options = {"momentum": 0.9} if make is v1.train.MomentumOptimizer else {}
                make(0.1, **options).minimize(loss, step, name=make.__name__)
            v1.assign_add(step, 10, name="skip")
            v1.global_variables_initializer()
            session.run(v1.get_default_graph().get_operation_by_name("init"))
            session.run(["AdamOptimizer", "MomentumOptimizer"], {x: [[1.0, 2.0], [3.0, 4.0]]})
            v1.train.Saver().save(session, folder + "/m")
            values = session.run({each.op.name: each for each in v1.global_variables()})
            values["by name"] = session.run("model/w:0")
            return values

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        feeds = {"x:0": [[1.0, 2.0], [3.0, 4.0]]}
        with tf.Graph().as_default() as graph, v1.Session() as session:
            saver = v1.train.import_meta_graph(folder + "/m.meta")
            saver.restore(session, folder + "/m")
            found = [session.run(["loss:0", "y:0"], feeds)]
            for _ in range(3):
                session.run(["AdamOptimizer", "MomentumOptimizer"], feeds)
            session.run("skip")
            found.append(session.run(["loss:0", "y:0"], feeds))
            found.append(session.run({each.op.name: each for each in v1.global_variables()}))
            w = next(each for each in v1.trainable_variables() if each.op.name == "model/w")
            session.run(w.assign([[0.0], [1.0]]))
            session.run(w.assign_add([[1.0], [1.0]]))
            found.append(session.run([w, tf.identity(w) * 2.0]))
            gradient = v1.gradients(graph.get_tensor_by_name("loss:0"), [w])[0]
            found.append(session.run(gradient, feeds))
            other = v1.train.Saver([w])
            other.save(session, folder + "/w")
            session.run(w.initializer)
            found.append(session.run(w))
            other.restore(session, folder + "/w")
            found.append(session.run(w))
            return found
