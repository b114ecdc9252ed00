"""SavedModels: signatures, control flow, assets, tables and lists of tensors."""

import os
from pathlib import Path
from typing import Any

from tests.interop.pairs import error_of


def _listing(folder: str) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


class Signatures:
    """Signatures of every kind of structure, ragged and sparse too; functions with Python arguments."""

    @staticmethod
    def module(tf: Any) -> Any:
        class Model(tf.Module):
            def __init__(self) -> None:
                self.w = tf.Variable([[1.0, 2.0], [3.0, 4.0]], name="w")
                self.shared = [self.w, tf.Variable(3)]

            @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, "x")])
            def named(self, x: Any) -> Any:
                return {"y": x @ self.w, "count": tf.shape(x)[0]}

            @tf.function(
                input_signature=[
                    tf.RaggedTensorSpec([None, None], tf.int32, row_splits_dtype=tf.int32)
                ]
            )
            def ragged(self, rows: Any) -> Any:
                return rows + 1, tf.reduce_sum(rows, -1)

            @tf.function(input_signature=[tf.SparseTensorSpec([None, 3], tf.float32)])
            def sparse(self, s: Any) -> Any:
                return tf.sparse.reduce_sum(s, 1), s

            @tf.function(
                input_signature=[{"a": tf.TensorSpec([], tf.int32), "b": [tf.TensorSpec([2])]}]
            )
            def nested(self, tree: Any) -> Any:
                return {"sum": tf.cast(tree["a"], tf.float32) + tree["b"][0], "tree": (tree["a"],)}

            @tf.function
            def polymorphic(self, x: Any, twice: bool = False, *, add: Any = None) -> Any:
                y = x * 2 if twice else x
                return y if add is None else y + add

            @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
            def texts(self, s: Any) -> Any:
                return tf.strings.upper(s)

        return Model()

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        module = cls.module(tf)
        module.polymorphic(tf.constant(3), twice=True)
        module.polymorphic(tf.constant(3.0), add=tf.constant(1.0))
        signatures = {
            "serving_default": module.named,
            "ragged": module.ragged,
            "texts": module.texts,
        }
        tf.saved_model.save(module, folder + "/m", signatures=signatures)
        return _listing(folder)

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        model = tf.saved_model.load(folder + "/m")
        rows = tf.ragged.constant([[1, 2], [], [3]], row_splits_dtype=tf.int32)
        sparse = tf.sparse.from_dense([[0.0, 2.0, 0.0], [1.0, 0.0, 3.0]])
        found = {
            "named": model.named(tf.ones([2, 2])),
            "ragged": model.ragged(rows),
            "sparse": model.sparse(sparse),
            "nested": model.nested({"a": tf.constant(1), "b": [tf.constant([1.0, 2.0])]}),
            "python": model.polymorphic(tf.constant(3), twice=True),
            "keyword": model.polymorphic(tf.constant(3.0), add=tf.constant(1.0)),
            "unknown": error_of(lambda: model.polymorphic(tf.constant("a"))),
            "texts": model.texts(tf.constant("abc")),
            "names": sorted(model.signatures),
            "shared": [model.shared[0], model.shared[1], model.shared[0] is model.w],
        }
        serving = model.signatures["serving_default"]
        found["serving"] = serving(x=tf.ones([1, 2]))
        found["structure"] = [
            str(serving.structured_input_signature),
            sorted(serving.structured_outputs),
        ]
        ragged = model.signatures["ragged"]
        found["flat"] = sorted(str(spec) for spec in ragged.structured_input_signature[1].values())
        return found


class ControlFlow:
    """Loops, branches and lists of tensors; gradients of what is loaded."""

    @staticmethod
    def module(tf: Any) -> Any:
        class Model(tf.Module):
            def __init__(self) -> None:
                self.w = tf.Variable(2.0)

            @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
            def loop(self, n: Any) -> Any:
                total = 0
                while n > 0:
                    if n % 2 == 0:
                        total += n
                    n -= 1
                return total

            @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
            def array(self, x: Any) -> Any:
                out = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
                for i in tf.range(tf.shape(x)[0]):
                    out = out.write(i, x[i] * self.w)
                return out.stack()

            @tf.function(input_signature=[tf.TensorSpec([3, 2], tf.float32)])
            def fixed(self, x: Any) -> Any:
                out = tf.TensorArray(tf.float32, size=3, element_shape=[2]).unstack(x)
                return (
                    tf.map_fn(lambda row: row * self.w, out.stack()),
                    out.concat(),
                    out.gather([2, 0]),
                )

            @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
            def scanned(self, x: Any) -> Any:
                return tf.scan(lambda a, b: a * self.w + b, x), tf.foldl(lambda a, b: a + b, x)

            @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
            def switched(self, x: Any) -> Any:
                return tf.switch_case(
                    tf.cast(x, tf.int32), [lambda: x, lambda: x * 10, lambda: self.w]
                )

            @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
            def gradient(self, x: Any) -> Any:
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    y = tf.reduce_sum(self.array(x) ** 2)
                return tape.gradient(y, [x, self.w])

        return Model()

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        module = cls.module(tf)
        tf.saved_model.save(module, folder + "/m", signatures=module.array)
        return _listing(folder)

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        model = tf.saved_model.load(folder + "/m")
        x = tf.constant([1.0, 2.0, 3.0])
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(model.array(x) ** 2)
        return {
            "loop": model.loop(tf.constant(7)),
            "array": model.array(x),
            "fixed": model.fixed(tf.reshape(tf.range(6.0), [3, 2])),
            "scanned": model.scanned(x),
            "switched": [model.switched(tf.constant(n)) for n in (0.0, 1.0, 2.0)],
            "gradient": model.gradient(x),
            "outside": tape.gradient(y, model.w),
            "served": model.signatures["serving_default"](x),
        }


class Lists:
    """Lists of tensors by their raw ops, as values that a function gives away."""

    @staticmethod
    def module(tf: Any) -> Any:
        raw = tf.raw_ops

        class Model(tf.Module):
            @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
            def lists(self, x: Any) -> Any:
                shape = tf.constant([2])
                made = raw.TensorListFromTensor(tensor=x, element_shape=shape)
                made = raw.TensorListPushBack(input_handle=made, tensor=[7.0, 8.0])
                empty = raw.EmptyTensorList(
                    element_shape=shape, max_num_elements=4, element_dtype=tf.float32
                )
                empty = raw.TensorListPushBack(input_handle=empty, tensor=x[0])
                reserved = raw.TensorListReserve(
                    element_shape=shape, num_elements=2, element_dtype=tf.float32
                )
                reserved = raw.TensorListSetItem(input_handle=reserved, index=1, item=x[1])
                return [
                    raw.TensorListStack(
                        input_handle=each,
                        element_shape=shape,
                        element_dtype=tf.float32,
                        num_elements=n,
                    )
                    for each, n in ((made, -1), (empty, 1), (reserved, 2))
                ]

        return Model()

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        tf.saved_model.save(cls.module(tf), folder + "/m")
        return None

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        return tf.saved_model.load(folder + "/m").lists(tf.reshape(tf.range(4.0), [2, 2]))


class Layout:
    """The files and folders of a SavedModel without assets."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        module = tf.Module()
        module.v = tf.Variable(1.0)
        tf.saved_model.save(module, folder + "/m")
        return _listing(folder)

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        return tf.saved_model.load(folder + "/m").v, tf.saved_model.contains_saved_model(
            folder + "/m"
        )


class Tables:
    """Tables of constants and of vocabulary files, which are found again where the SavedModel was moved."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        vocabulary = Path(folder) / "words.txt"
        vocabulary.write_text("a\nb\nc\n")
        lookup = tf.lookup

        class Model(tf.Module):
            def __init__(self) -> None:
                constant = lookup.KeyValueTensorInitializer(
                    ["x", "y"], tf.constant([5, 6], tf.int64)
                )
                self.constant = lookup.StaticHashTable(constant, -1)
                self.words = lookup.StaticVocabularyTable(
                    lookup.TextFileInitializer(
                        str(vocabulary),
                        tf.string,
                        lookup.TextFileIndex.WHOLE_LINE,
                        tf.int64,
                        lookup.TextFileIndex.LINE_NUMBER,
                    ),
                    num_oov_buckets=2,
                )
                self.asset = tf.saved_model.Asset(str(vocabulary))

            @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
            def look(self, words: Any) -> Any:
                return self.constant.lookup(words), self.words.lookup(words)

            @tf.function(input_signature=[])
            def text(self) -> Any:
                return tf.io.read_file(self.asset)

        tf.saved_model.save(Model(), folder + "/m")
        vocabulary.unlink()
        os.rename(folder + "/m", folder + "/moved")
        return _listing(folder)

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        model = tf.saved_model.load(folder + "/moved")
        found = model.look(tf.constant(["x", "a", "c", "other"])), model.text()
        tf.saved_model.save(model, folder + "/again")
        again = tf.saved_model.load(folder + "/again")
        return found, again.look(tf.constant(["x", "a", "c", "other"])), again.text()


class Generators:
    """Generators of random numbers, as attributes and in closures, with variables of a strategy or without."""

    names = ("plain", "mirrored", "closure", "variables")

    @staticmethod
    def module(tf: Any, name: str) -> Any:
        strategy = tf.distribute.MirroredStrategy(["/cpu:0"])
        module = tf.Module()
        if name in ("plain", "closure"):
            generator = tf.random.Generator.from_seed(3)
        else:
            with strategy.scope():
                generator = tf.random.Generator.from_seed(4)
                module.w = tf.Variable([2.0], aggregation=tf.VariableAggregation.MEAN)
                module.seen = tf.Variable(
                    0,
                    trainable=False,
                    synchronization=tf.VariableSynchronization.ON_READ,
                    aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
                )
        module.generator = generator
        scale = module.w if name == "variables" else 1.0

        @tf.function(input_signature=[])
        def draw() -> Any:
            if name == "variables":
                module.seen.assign_add(1)
            return generator.normal([3]) * scale

        module.draw = draw
        return module

    @classmethod
    def write(cls, tf: Any, folder: str) -> Any:
        for name in cls.names:
            module = cls.module(tf, name)
            tf.saved_model.save(module, f"{folder}/{name}")
            tf.train.Checkpoint(module=module).write(f"{folder}/{name}-checkpoint")

    @classmethod
    def read(cls, tf: Any, folder: str) -> Any:
        found = []
        for name in cls.names:
            model = tf.saved_model.load(f"{folder}/{name}")
            module = cls.module(tf, name)
            module.generator.reset_from_seed(9)
            tf.train.Checkpoint(module=module).read(f"{folder}/{name}-checkpoint").assert_consumed()
            found += [model.draw(), model.draw(), module.draw(), module.draw()]
        return found


class V1:
    """SavedModels of TensorFlow 1: several graphs by tags, assets, and an initializing op."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        (Path(folder) / "words.txt").write_text("one\ntwo\n")
        builder = v1.saved_model.Builder(folder + "/m")
        with tf.Graph().as_default(), v1.Session() as session:
            x = v1.placeholder(tf.string, [None], "x")
            file = tf.constant(folder + "/words.txt")
            v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, file)
            table = v1.lookup.StaticHashTable(
                v1.lookup.TextFileInitializer(
                    file,
                    tf.string,
                    v1.lookup.TextFileIndex.WHOLE_LINE,
                    tf.int64,
                    v1.lookup.TextFileIndex.LINE_NUMBER,
                ),
                -1,
            )
            w = v1.get_variable("w", initializer=tf.constant(10, tf.int64))
            y = tf.identity(table.lookup(x) * w, "y")
            session.run([v1.global_variables_initializer(), v1.tables_initializer()])
            signature = v1.saved_model.predict_signature_def({"words": x}, {"numbers": y})
            builder.add_meta_graph_and_variables(
                session,
                ["serve"],
                {"serving_default": signature},
                assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
                main_op=v1.tables_initializer(),
            )
        with tf.Graph().as_default():
            v1.placeholder(tf.float32, [], "x")
            v1.get_variable("w", initializer=tf.constant(0, tf.int64))
            builder.add_meta_graph(["train"])
        builder.save()
        os.unlink(folder + "/words.txt")
        return _listing(folder)

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        v1 = tf.compat.v1
        with tf.Graph().as_default(), v1.Session() as session:
            definition = v1.saved_model.load(session, ["serve"], folder + "/m")
            first = session.run("y:0", {"x:0": ["two", "none"]})
            names = sorted(definition.signature_def)
        with tf.Graph().as_default(), v1.Session() as session:
            v1.saved_model.load(session, ["train"], folder + "/m")
            second = session.run("w/Read/ReadVariableOp:0")
        model = tf.saved_model.load(folder + "/m", tags=["serve"])
        served = model.signatures["serving_default"](words=tf.constant(["two", "none"]))
        pruned = model.prune("x:0", "y:0")(tf.constant(["two"]))
        wrong = error_of(lambda: tf.saved_model.load(folder + "/m", tags=["other"]))
        return first, names, second, served, pruned, wrong
