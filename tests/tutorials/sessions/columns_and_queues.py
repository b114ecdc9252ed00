"""TensorFlow 1: parsed examples through feature columns into a linear and a deep part, queues with runners and coordinators, hooks, Defun, partial runs."""

import threading

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
tf.set_random_seed(531)
rng = np.random.RandomState(531)
fc = tf.feature_column

age = fc.numeric_column("age", normalizer_fn=lambda x: (x - 40.0) / 20.0)
buckets = fc.bucketized_column(fc.numeric_column("age"), [20, 35, 50])
scores = fc.numeric_column("scores", shape=(2,), default_value=0.5)
city = fc.categorical_column_with_vocabulary_list("city", ["a", "b", "c"], num_oov_buckets=2)
job = fc.categorical_column_with_hash_bucket("job", 7)
words = fc.categorical_column_with_identity("words", 6, default_value=0)
weighted = fc.weighted_categorical_column(words, "weights")
crossed = fc.crossed_column([buckets, "job"], 11)
deep_columns = [
    age,
    scores,
    buckets,
    fc.indicator_column(city),
    fc.embedding_column(job, 3, initializer=tf.constant_initializer(rng.randn(7, 3))),
    fc.embedding_column(
        weighted,
        2,
        combiner="sqrtn",
        initializer=tf.constant_initializer(rng.randn(6, 2)),
        max_norm=1.5,
    ),
]
wide_columns = [crossed, city, weighted, age]
parsing = fc.make_parse_example_spec(deep_columns + wide_columns)
print("RESULT parsing", {k: (type(v).__name__, v.dtype.name) for k, v in sorted(parsing.items())})


def example(k):
    feature = {
        "age": tf.train.Feature(float_list=tf.train.FloatList(value=[15 + 7 * k])),
        "city": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"abcz"[k % 4 : k % 4 + 1]])),
        "job": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"job%d" % (k % 3)])),
        "words": tf.train.Feature(
            int64_list=tf.train.Int64List(value=[(k * j) % 6 for j in range(k % 3 + 1)])
        ),
        "weights": tf.train.Feature(
            float_list=tf.train.FloatList(value=[1.0 + 0.5 * j for j in range(k % 3 + 1)])
        ),
    }
    if k % 2:
        feature["scores"] = tf.train.Feature(float_list=tf.train.FloatList(value=[0.1 * k, -0.2]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


examples = [example(k) for k in range(8)]
labels = np.array([k % 3 == 0 for k in range(8)], "float32")[:, None]
serialized = tf.placeholder(tf.string, [None])
target = tf.placeholder_with_default(labels, [None, 1])
features = tf.parse_example(serialized, parsing)
dense = fc.input_layer(features, deep_columns)
linear = fc.linear_model(features, wide_columns, units=1, sparse_combiner="mean")
with tf.variable_scope("deep", initializer=tf.glorot_uniform_initializer(seed=5)):
    kernel = tf.get_variable("kernel", [int(dense.shape[1]), 1])
logits = linear + tf.matmul(dense, kernel)
loss = tf.losses.sigmoid_cross_entropy(target, logits, label_smoothing=0.1)
step = tf.train.get_or_create_global_step()
wide = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="linear_model")
others = [v for v in tf.trainable_variables() if v not in wide]
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train = tf.group(
        tf.train.FtrlOptimizer(0.2, l1_regularization_strength=0.001).minimize(loss, var_list=wide),
        tf.train.AdagradOptimizer(0.1).minimize(loss, global_step=step, var_list=others),
    )
accuracy, update_accuracy = tf.metrics.accuracy(target > 0.5, logits > 0)
area, update_area = tf.metrics.auc(target, tf.sigmoid(logits), num_thresholds=50)
average = tf.train.ExponentialMovingAverage(0.8, step)
averaged = average.apply([kernel])
kernel_average = average.average(kernel)
print("RESULT variables", *sorted(v.op.name for v in tf.trainable_variables()))


class Recorder(tf.train.SessionRunHook):
    def begin(self):
        self.seen = []

    def before_run(self, context):
        return tf.train.SessionRunArgs({"loss": loss, "step": step})

    def after_run(self, context, values):
        self.seen.append((int(values.results["step"]), float(values.results["loss"])))
        if len(self.seen) == 6:
            context.request_stop()


dense_shape, linear_shape = tf.shape(dense), tf.shape(linear)
recorder = Recorder()
hooks = [
    recorder,
    tf.train.StopAtStepHook(last_step=9),
    tf.train.NanTensorHook(loss),
    tf.train.CheckpointSaverHook("logs", save_steps=2),
]
with tf.train.SingularMonitoredSession(hooks) as session:
    shapes = session.raw_session().run([dense_shape, linear_shape], {serialized: examples[:3]})
    print("RESULT shapes", *shapes[0], *shapes[1])
    print("RESULT dense", *session.raw_session().run(dense, {serialized: examples})[2])
    while not session.should_stop():
        session.run([train, averaged, update_accuracy, update_area], {serialized: examples})
    results = session.raw_session().run([accuracy, area, kernel_average])
print("RESULT hook", *[v for pair in recorder.seen for v in pair])
print("RESULT metrics", float(results[0]), float(results[1]), *results[2].ravel()[:4])
restored = tf.train.load_checkpoint(tf.train.latest_checkpoint("logs"))
print(
    "RESULT checkpoint",
    int(restored.get_tensor("global_step")),
    len(restored.get_variable_to_shape_map()),
)

tf.reset_default_graph()
queue = tf.FIFOQueue(20, [tf.int32, tf.float32], shapes=[[], [2]], name="queue")
counter = tf.get_variable("counter", [], tf.int32, tf.zeros_initializer(), use_resource=True)
with tf.control_dependencies([counter.assign_add(1)]):
    number = tf.identity(counter.read_value())
enqueue = queue.enqueue([number, tf.stack([tf.cast(number, tf.float32), 0.5])])
tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue]))
names, vectors = queue.dequeue_many(4)
strings = tf.train.string_input_producer(["x", "y", "z"], num_epochs=2, shuffle=False)
batch = tf.train.batch([strings.dequeue()], 4, num_threads=1, allow_smaller_final_batch=True)
padded = tf.PaddingFIFOQueue(5, tf.int64, [[None]])
closed, padded_batch = padded.close(), padded.dequeue_up_to(5)
lengths = tf.placeholder(tf.int64)
put = padded.enqueue([tf.range(lengths)])
priority = tf.PriorityQueue(9, [tf.string], [[]])
push, pop = (
    priority.enqueue_many([np.array([3, 1, 2], "int64"), ["c", "a", "b"]]),
    priority.dequeue_many(3),
)
shuffled = tf.RandomShuffleQueue(50, 5, tf.int32, [[]], seed=4)
fill, draw = shuffled.enqueue_many([np.arange(20, dtype="int32")]), shuffled.dequeue_many(6)
left, remaining = padded.size(), shuffled.size()
with tf.Session() as session:
    session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(session, coordinator)
    for _ in range(2):
        a, b = session.run([names, vectors])
        print("RESULT queue", *a, *b.ravel())
    got = []
    try:
        while not coordinator.should_stop():
            got.append([v.decode() for v in session.run(batch)])
    except tf.errors.OutOfRangeError:
        coordinator.request_stop()
    print("RESULT strings", got)
    for n in (3, 1, 2):
        session.run(put, {lengths: n})
    session.run(closed)
    print("RESULT padded", session.run(padded_batch).tolist(), int(session.run(left)))
    session.run([push, fill])
    keys, values = session.run(pop)
    print("RESULT priority", *keys, *[v.decode() for v in values])
    print("RESULT shuffled", *session.run(draw), int(session.run(remaining)))
    session.run(queue.close(cancel_pending_enqueues=True))
    coordinator.join(threads, stop_grace_period_secs=5)
print("RESULT threads", coordinator.joined, threading.active_count() >= 1)
