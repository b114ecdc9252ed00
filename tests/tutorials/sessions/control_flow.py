"""TensorFlow 1: while loops, cond, dynamic loops over sequences, iterators, tables, py_func, partial graphs, GraphDefs."""

import numpy as np
import tensorflow as tf2

tf = tf2.compat.v1
rng = np.random.default_rng(113)
sequence = rng.normal(size=(3, 6, 4)).astype("float32")

with tf.Graph().as_default() as graph:
    x = tf.placeholder(tf.float32, [None, None, 4], name="x")
    lengths = tf.placeholder(tf.int32, [None], name="lengths")
    w = tf.constant(rng.normal(size=(4, 5)).astype("float32") * 0.5)
    u = tf.Variable(rng.normal(size=(5, 5)).astype("float32") * 0.5, name="u")
    array = tf.TensorArray(tf.float32, size=tf.shape(x)[1], clear_after_read=False).unstack(
        tf.transpose(x, [1, 0, 2])
    )
    out = tf.TensorArray(tf.float32, size=tf.shape(x)[1])

    def body(t, state, out):
        new = tf.tanh(tf.matmul(array.read(t), w) + tf.matmul(state, u))
        state = tf.where(t < lengths, new, state)
        return t + 1, state, out.write(t, state)

    start = tf.zeros([tf.shape(x)[0], 5])
    _, last, out = tf.while_loop(lambda t, *_: t < tf.shape(x)[1], body, [0, start, out])
    outputs = tf.transpose(out.stack(), [1, 0, 2])
    loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(last)
    gradient = tf.gradients(loss, [u, x])
    second = tf.gradients(tf.reduce_sum(gradient[0] ** 2), x)[0]
    branch = tf.cond(
        tf.reduce_sum(last) > 0, lambda: tf.reduce_max(last), lambda: -tf.reduce_min(last)
    )
    case = tf.case(
        [
            (tf.shape(x)[1] > 5, lambda: tf.constant(1)),
            (tf.shape(x)[1] > 3, lambda: tf.constant(2)),
        ],
        default=lambda: tf.constant(3),
    )
    cumulative = tf.scan(lambda a, b: 0.5 * a + b, tf.transpose(x, [1, 0, 2]))
    folded = tf.foldl(lambda a, b: a + b, tf.transpose(x, [1, 0, 2]))
    doubled = tf.py_func(lambda a: a * 2, [last], tf.float32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for size in (6, 4, 2):
            feed = {x: sequence[:, :size], lengths: [size, 1, 2]}
            print("RESULT loss", size, *session.run([loss, branch, case], feed))
            g, h = session.run([gradient, second], feed)
            print(
                "RESULT gradients", size, *(np.linalg.norm(part) for part in g), np.linalg.norm(h)
            )
        handle = session.partial_run_setup([loss, branch], [x, lengths])
        feed = {x: sequence, lengths: [6, 6, 6]}
        print(
            "RESULT partial",
            session.partial_run(handle, loss, feed_dict=feed),
            session.partial_run(handle, branch),
        )
        print(
            "RESULT scan",
            session.run(cumulative, feed)[-1].ravel()[:5],
            np.linalg.norm(session.run(folded, feed)),
        )
        print("RESULT py_func", session.run(tf.reduce_sum(doubled) / tf.reduce_sum(last), feed))
        print(
            "RESULT fed", session.run(loss, {outputs: np.ones([1, 2, 5]), last: np.zeros([1, 5])})
        )
    definition = graph.as_graph_def()

with tf.Graph().as_default():
    a = tf.placeholder(tf.float32, [2], name="a")
    b = tf.identity(tf.square(a) + 1.0, name="b")
    small = tf.get_default_graph().as_graph_def()
with tf.Graph().as_default():
    (b,) = tf.import_graph_def(
        small, input_map={"a:0": tf.constant([3.0, 4.0])}, return_elements=["b:0"]
    )
    with tf.Session() as session:
        print("RESULT imported", session.run(b), len(definition.node) > 30)

with tf.Graph().as_default():
    data = (
        tf.data.Dataset.from_tensor_slices(np.arange(10, dtype="float32"))
        .shuffle(10, seed=2)
        .batch(4)
    )
    iterator = tf.data.make_initializable_iterator(data)
    following = iterator.get_next()
    total = tf.Variable(0.0)
    add = tf.assign_add(total, tf.reduce_sum(following))
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
    found = table.lookup(tf.constant(["b", "z"]))
    normal = tf.random_normal([2], seed=4)
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        for epoch in range(2):
            session.run(iterator.initializer)
            sums = []
            while True:
                try:
                    sums.append(session.run(add))
                except tf.errors.OutOfRangeError:
                    break
            print("RESULT sums", epoch, *sums)
        print("RESULT table", session.run(found))
        print("RESULT random", session.run(normal), session.run(normal))
