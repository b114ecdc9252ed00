"""A program without a mistake, of many parts of TensorFlow. Type checkers must say nothing about it; a test runs it."""

import pathlib
import tempfile

import numpy as np

import penstock as tf


class Scale(tf.Module):
    """A module with a variable and a traced method."""

    def __init__(self, factor: float, name: str | None = None) -> None:
        super().__init__(name=name)
        self.factor = tf.Variable(factor, dtype=tf.float32, trainable=True)
        self.calls = tf.Variable(0, dtype=tf.int64, trainable=False)

    @tf.function
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        self.calls.assign_add(1)
        return self.factor * x

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def half(self, x: tf.Tensor) -> tf.Tensor:
        return x / 2


class Pair(tf.experimental.ExtensionType):
    """Two tensors."""

    left: tf.Tensor
    right: tf.Tensor


def tensors() -> None:
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]], dtype=tf.float32, name="x")
    y = tf.constant([1, 2]) + 1 - np.int32(3)
    total: tf.Tensor = tf.reduce_sum(x, axis=[0, 1]) + tf.reduce_mean(x, axis=-1)[0]
    assert total.numpy() > 0 and x.shape == (2, 2) and x.shape.rank == 2 and x.dtype.is_floating
    rows, columns = x.shape
    assert rows * columns == 4 and len(x) == 2 and float(total) > 0 and int(y[0]) == -1
    picture = x[tf.newaxis, ..., tf.newaxis]
    for row in tf.unstack(x) + list(x):
        tf.debugging.assert_rank(row, 1)
    sliced = x[0, 1:] ** 2 % 3 // 1
    sliced = -sliced @ tf.ones([1, 1]) if sliced.shape.rank == 2 else abs(-sliced)
    tf.print("values:", sliced, 2 * x, 1.0 - x, x > 1, x == 2.0, ~(x > 1) & (x < 3))
    a, b = tf.split(x, 2, axis=1)
    joined = tf.concat([a, b, np.zeros([2, 1], np.float32)], axis=1)
    tf.stack([a, b], axis=0)
    tf.reshape(joined, [-1])
    tf.reshape(joined, (3, tf.shape(joined)[0]))
    tf.transpose(x, perm=[1, 0])
    tf.where(x > 1, x, 0.0)
    tf.where(x > 1)
    tf.cast(x, "int32")
    tf.cast(x, np.float64)
    tf.zeros(3)
    tf.ones_like(x, dtype=tf.bool)
    tf.fill([2, 2], 7)
    tf.range(3)
    tf.range(0, 10, delta=2, dtype=tf.float32)
    tf.linspace(0.0, 1.0, 5)
    tf.one_hot([0, 2], depth=3)
    tf.gather(x, [0, 1], axis=1)
    tf.tensor_scatter_nd_update(x, [[0, 0]], [9.0])
    tf.image.resize(picture, (4, 4), method="bilinear")
    tf.image.resize(picture, [4, 4], method=tf.image.ResizeMethod.NEAREST_NEIGHBOR)
    tf.clip_by_value(x, 0, 1)
    clipped, norm = tf.clip_by_global_norm([x, x], 1.0)
    assert norm.shape.rank == 0 and len(clipped) == 2
    values, indices = tf.math.top_k(x, k=1)
    assert values.dtype == tf.float32 and indices.dtype == tf.int32
    assert tf.math.top_k(x).values.shape == (2, 1)
    mean, variance = tf.nn.moments(x, axes=[0])
    tf.nn.batch_normalization(x, mean, variance, None, None, 1e-3)
    tf.nn.conv2d(picture, tf.ones([1, 1, 1, 3]), strides=1, padding="SAME")
    tf.nn.conv2d(picture, tf.ones([1, 1, 1, 3]), [1, 1, 1, 1], [[0, 0], [1, 1], [0, 0], [0, 0]])
    tf.nn.softmax(x, axis=-1)
    tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1], logits=x)
    tf.linalg.norm(x, ord=2, axis=[0, 1])
    tf.linalg.matvec(x, tf.constant([1.0, 2.0]), transpose_a=True)
    tf.einsum("ij,jk->ik", x, x)
    tf.strings.join(["a", tf.constant("b")], separator="-")
    tf.strings.lower("TEXT").numpy().decode()
    tf.strings.split("a b").shape
    tf.random.normal([2, 2], stddev=0.1, seed=1)
    tf.random.stateless_uniform([2], seed=(1, 2))
    tf.random.Generator.from_seed(1).normal(shape=[3])
    tf.equal("a", tf.constant(["a", "b"]))
    tf.math.add(x, 1)
    tf.raw_ops.MatMul(a=x, b=x, transpose_a=True)
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    tf.nest.map_structure(lambda t: t + 1, {"a": x})
    unique, places = tf.unique([1, 1, 2])
    assert unique.shape == (2,) and places.shape == (3,)


def other_tensors() -> None:
    ragged = tf.ragged.constant([[1, 2], [3]])
    assert ragged.to_tensor().shape == (2, 2)
    row_total = tf.reduce_sum(ragged, axis=1)
    assert row_total.shape == (2,)
    tf.abs(tf.RaggedTensor.from_row_splits([1, -2, 3], [0, 2, 3])).row_lengths()
    (ragged + 1).to_list()
    sparse = tf.SparseTensor(indices=[[0, 1]], values=[2.0], dense_shape=[2, 2])
    tf.sparse.to_dense(sparse)
    tf.sparse.sparse_dense_matmul(sparse, tf.ones([2, 2]))
    assert sparse.values.shape == (1,) and sparse.dense_shape.numpy().tolist() == [2, 2]
    array = tf.TensorArray(tf.float32, size=2)
    array = array.write(0, 1.0).write(1, 2.0)
    assert array.stack().shape == (2,)
    pair = Pair(left=tf.constant(1), right=tf.constant(2))
    assert pair.left + pair.right == 3
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["a"], [1]), default_value=-1
    )
    assert table.lookup(tf.constant(["a", "b"])).shape == (2,)


def training() -> None:
    model = Scale(2.0)
    optimizer = tf.keras.optimizers.SGD(0.1)
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        loss = tf.reduce_mean(tf.square(model(x) - [1.0, 1.0]))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    gradient = tape.gradient(loss, model.factor)
    assert gradient.shape == () and model.half(x).shape == (2,)
    assert model.calls.numpy() == 1 and [w.name for w in model.variables]
    model.factor.assign(3.0)
    assert (model.factor * 2 + x).shape == (2,)

    @tf.function(jit_compile=True, reduce_retracing=True)
    def total(n):
        result = 0
        for i in tf.range(n):
            result += i
        return result

    assert total(tf.constant(4)).numpy() == 6
    total.get_concrete_function(tf.TensorSpec([], tf.int32))

    @tf.custom_gradient
    def clipped(value):
        return value, lambda upstream: tf.clip_by_norm(upstream, 0.5)

    assert clipped(x).shape == (2,)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = tf.train.Checkpoint(model=model, step=tf.Variable(0))
        path = checkpoint.save(pathlib.Path(folder) / "saved")
        checkpoint.step.assign_add(1)
        checkpoint.restore(path).assert_consumed()
        tf.train.CheckpointManager(checkpoint, folder, max_to_keep=1).save()
        tf.saved_model.save(model, folder + "/model")
        assert tf.saved_model.load(folder + "/model").half(x).shape == (2,)


def pipelines() -> None:
    features = {"a": np.arange(6), "b": np.ones([6, 2])}
    dataset = (
        tf.data.Dataset.from_tensor_slices((features, [0, 1] * 3))
        .map(lambda f, label: (f["b"], label), num_parallel_calls=tf.data.AUTOTUNE)
        .shuffle(6, seed=1)
        .repeat()
        .batch(2, drop_remainder=True)
        .take(3)
        .prefetch(tf.data.AUTOTUNE)
    )
    for _, labels in dataset:
        assert labels.shape == (2,)
    for number, batch in dataset.enumerate().as_numpy_iterator():
        assert number >= 0 and len(batch) == 2
    zipped = tf.data.Dataset.zip((tf.data.Dataset.range(3), tf.data.Dataset.range(1, 4)))
    assert len(list(zipped)) == 3 and zipped.element_spec[0].dtype == tf.int64
    iterator = iter(zipped)
    assert next(iterator)[0] == 0
    assert zipped.reduce(np.int64(0), lambda state, element: state + element[0]).numpy() == 3
    options = tf.data.Options()
    options.deterministic = True
    options.threading.private_threadpool_size = 1
    zipped.with_options(options)
    with tempfile.TemporaryDirectory() as folder:
        with tf.io.TFRecordWriter(folder + "/records") as writer:
            feature = {"v": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2]))}
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(example.SerializeToString())
        records = tf.data.TFRecordDataset([folder + "/records"])
        parsed = records.map(
            lambda r: tf.io.parse_single_example(r, {"v": tf.io.FixedLenFeature([2], tf.int64)})
        )
        assert next(iter(parsed))["v"].shape == (2,)


def settings() -> None:
    tf.random.set_seed(1)
    tf.config.run_functions_eagerly(False)
    assert [device.device_type for device in tf.config.list_physical_devices("CPU")] == ["CPU"]
    assert tf.executing_eagerly() and tf.__version__
    with tf.device("/CPU:0"), tf.name_scope("scope"):
        tf.identity(1.0)
    try:
        tf.reshape(tf.zeros([2]), [3])
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        assert str(error)
    strategy = tf.distribute.get_strategy()
    with strategy.scope():
        assert strategy.num_replicas_in_sync == 1
    graph = tf.Graph()
    with graph.as_default():
        place = tf.compat.v1.placeholder(tf.float32, [None])
        with tf.compat.v1.Session(graph=graph) as session:
            assert session.run(place * 2, feed_dict={place: [1.0]}) == [2.0]


def layers() -> None:
    class Gate(tf.keras.layers.Layer):
        """A layer with a weight and a traced call."""

        def __init__(self, units: int, **kwargs) -> None:
            super().__init__(**kwargs)
            self.dense = tf.keras.layers.Dense(units, activation="relu")

        def build(self, input_shape) -> None:
            self.gate = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gate")

        def call(self, inputs):
            return self.dense(tf.sigmoid(self.gate) * inputs)

    inputs = tf.keras.Input(shape=(2,))
    outputs = tf.keras.layers.Dense(1)(Gate(3)(inputs))
    model = tf.keras.Model(inputs, outputs)
    model.compile(optimizer="adam", loss=tf.keras.losses.MeanSquaredError(), metrics=["mae"])
    model.fit(np.ones([4, 2]), np.ones([4, 1]), epochs=1, verbose=0)
    assert model.predict(np.ones([1, 2]), verbose=0).shape == (1, 1)


def main() -> None:
    tensors()
    other_tensors()
    training()
    pipelines()
    settings()
    layers()


if __name__ == "__main__":
    main()
