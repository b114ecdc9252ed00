"""compat.v1 in breadth: dynamic_rnn, while loops with gradients, queues, iterators of each kind, monitored sessions, partitioned and sparse embeddings, sampled losses, py_func, collections, slots."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_eager_execution()
rng = np.random.default_rng(32)
tf.set_random_seed(5)
X = rng.normal(size=(22, 7, 3)).astype("float32")
n = rng.integers(2, 8, 22)
Y = rng.integers(0, 2, 22)


def gi(s):
    return tf.glorot_uniform_initializer(seed=s)


x = tf.placeholder(tf.float32, [None, 7, 3])
ln = tf.placeholder(tf.int32, [None])
y = tf.placeholder(tf.int32, [None])
with tf.variable_scope("r", initializer=gi(1)):
    k = tf.get_variable("k", [3 + 5, 20])
    b = tf.get_variable("b", [20], initializer=tf.zeros_initializer())

    def cell(t, h, c, out):
        z = tf.matmul(tf.concat([x[:, t], h], 1), k) + b
        i, j, f, o = tf.split(z, 4, 1)
        nc = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        nh = tf.tanh(nc) * tf.sigmoid(o)
        m = tf.cast(t < ln, tf.float32)[:, None]
        return (t + 1, m * nh + (1 - m) * h, m * nc + (1 - m) * c, out.write(t, m * nh))

    bs = tf.shape(x)[0]
    _, h, c, out = tf.while_loop(
        lambda t, *_: t < tf.reduce_max(ln),
        cell,
        (0, tf.zeros([bs, 5]), tf.zeros([bs, 5]), tf.TensorArray(tf.float32, 7)),
    )
    w = tf.get_variable("w", [5, 2])
    lg = h @ w
loss = tf.losses.sparse_softmax_cross_entropy(y, lg)
gs = tf.train.create_global_step()
opts = [
    tf.train.AdagradOptimizer(0.1),
    tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True),
    tf.train.RMSPropOptimizer(0.01),
    tf.train.FtrlOptimizer(0.1),
    tf.train.AdadeltaOptimizer(1.0),
    tf.train.ProximalGradientDescentOptimizer(0.1, l1_regularization_strength=0.001),
]
tr = [o.minimize(loss, global_step=gs) for o in opts]
emb = tf.get_variable("emb", [30, 4], initializer=gi(3), partitioner=tf.fixed_size_partitioner(3))
sp = tf.sparse_placeholder(tf.int64)
ev = tf.nn.embedding_lookup_sparse(emb, sp, None, combiner="sqrtn")
ev2 = tf.nn.embedding_lookup(emb, [1, 15, 29, 1])
nw = tf.get_variable("nw", [30, 4], initializer=gi(4))
nb = tf.get_variable("nb", [30], initializer=tf.zeros_initializer())
ss = tf.reduce_mean(
    tf.nn.sampled_softmax_loss(
        nw, nb, tf.constant([[3], [7], [9]], tf.int64), ev2[:3], 5, 30, seed=4
    )
)
est = tf.train.AdamOptimizer(0.05).minimize(tf.reduce_sum(ev**2) + tf.reduce_sum(ev2))
sq = tf.py_func(lambda v: v * v, [tf.constant(3.0)], tf.float32)
with tf.Session() as s:
    s.run([tf.global_variables_initializer(), tf.tables_initializer()])
    for t in range(len(tr)):
        print(
            "RESULT train",
            t,
            *[
                v
                for a in (0, 9, 18)
                for v in s.run([loss, tr[t]], {x: X[a : a + 9], ln: n[a : a + 9], y: Y[a : a + 9]})[
                    :1
                ]
            ],
            s.run(gs),
        )
    st = tf.SparseTensorValue([[0, 0], [0, 1], [2, 0]], [3, 5, 29], [3, 2])
    for _ in range(2):
        print(
            "RESULT sparse",
            s.run([tf.reduce_sum(ev), est], {sp: st})[0],
            s.run([v for v in emb][0])[3:6].sum() if hasattr(emb, "__iter__") else 0,
        )
    print(
        "RESULT slots",
        [o.get_slot_names() for o in opts],
        s.run(tf.reduce_sum(opts[0].get_slot(k, "accumulator"))),
        s.run(sq),
        len(tf.trainable_variables()),
        s.run(ss) > 0,
    )
    print(
        "RESULT out",
        s.run(
            [tf.reduce_sum(out.stack()), tf.gradients(loss, [x, k])[0]],
            {x: X[:3], ln: n[:3], y: Y[:3]},
        )[0],
        s.run(tf.gradients(tf.reduce_sum(h), x)[0], {x: X[:2], ln: n[:2]})[0, :, 0],
    )
g = tf.Graph()
with g.as_default():
    tf.set_random_seed(1)
    ds = tf.data.Dataset.from_tensor_slices((X.mean(1), Y)).shuffle(22, seed=3).batch(8)
    it = tf.data.make_initializable_iterator(ds)
    vi = tf.data.make_one_shot_iterator(ds.take(1).repeat())
    hd = tf.placeholder(tf.string, [])
    fi = tf.data.Iterator.from_string_handle(
        hd, tf.data.get_output_types(ds), tf.data.get_output_shapes(ds)
    )
    xb, yb = fi.get_next()
    wv = tf.get_variable("w", [3, 2], initializer=gi(2))
    l = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=yb, logits=tf.nn.dropout(xb, rate=0.2, seed=6) @ wv
        )
    )
    step = tf.train.get_or_create_global_step()
    op = tf.train.GradientDescentOptimizer(
        tf.train.piecewise_constant(step, [3, 6], [0.5, 0.1, 0.01])
    ).minimize(l, global_step=step)
    noise = tf.random_normal([2], seed=8)
    cnt = tf.get_variable("cnt", [], initializer=tf.zeros_initializer())
    inc = tf.assign_add(cnt, 1.0)
    with tf.Session() as s:
        s.run(tf.global_variables_initializer())
        a, bb = s.run([it.string_handle(), vi.string_handle()])
        for e in range(3):
            s.run(it.initializer)
            o = []
            while True:
                try:
                    o.append(s.run([l, op, inc], {hd: a})[0])
                except tf.errors.OutOfRangeError:
                    break
            print("RESULT epoch", e, *o, s.run(l, {hd: bb}), s.run(step), s.run(cnt), s.run(noise))
    re = tf.data.Iterator.from_structure(
        tf.data.get_output_types(ds), tf.data.get_output_shapes(ds)
    )
    nx = re.get_next()
    i1, i2 = (re.make_initializer(ds), re.make_initializer(ds.skip(1)))
    with tf.Session() as s:
        s.run(i1)
        a = s.run(nx)[1].sum()
        s.run(i2)
        print("RESULT reinit", a, s.run(nx)[1].shape)

    class Hook(tf.train.SessionRunHook):
        def begin(s):
            s.v = []

        def before_run(s, c):
            return tf.train.SessionRunArgs(l)

        def after_run(s, c, r):
            s.v.append(r.results)

    hk = Hook()
with tf.Graph().as_default():
    tf.set_random_seed(2)
    step = tf.train.get_or_create_global_step()
    v = tf.get_variable("v", [3], initializer=tf.random_normal_initializer(seed=2))
    l = tf.reduce_sum((v - [1.0, 2.0, 3.0]) ** 2)
    op = tf.train.AdamOptimizer(0.1).minimize(l, global_step=step)
    hk = Hook()
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir="mon",
        hooks=[tf.train.StopAtStepHook(6), hk, tf.train.NanTensorHook(l)],
        save_checkpoint_steps=3,
        log_step_count_steps=None,
        save_summaries_steps=None,
    ) as s:
        while not s.should_stop():
            s.run(op)
    print("RESULT monitored", *hk.v)
    with tf.train.MonitoredTrainingSession(
        checkpoint_dir="mon",
        hooks=[tf.train.StopAtStepHook(last_step=8), hk],
        log_step_count_steps=None,
        save_summaries_steps=None,
    ) as s:
        while not s.should_stop():
            s.run(op)
    print("RESULT resumed", *hk.v)
with tf.Graph().as_default(), tf.Session() as s:
    q = tf.FIFOQueue(10, [tf.float32, tf.int32], [[2], []])
    e = q.enqueue_many([np.arange(10).reshape(5, 2).astype("f"), range(5)])
    d = q.dequeue_many(2)
    s.run(e)
    print("RESULT queue", s.run(d), s.run(q.size()))
    s.run(q.close())
    print("RESULT up", s.run(q.dequeue_up_to(9))[1])
    xs, ys = tf.train.batch(
        [
            tf.train.input_producer(tf.range(7), shuffle=False, num_epochs=1).dequeue(),
            tf.constant(1),
        ],
        3,
        allow_smaller_final_batch=True,
    )
    s.run([tf.local_variables_initializer()])
    co = tf.train.Coordinator()
    th = tf.train.start_queue_runners(s, co)
    o = []
    try:
        while not co.should_stop():
            o.append(s.run(xs).tolist())
    except tf.errors.OutOfRangeError:
        co.request_stop()
    co.join(th)
    print("RESULT producer", o)
    a = tf.placeholder(tf.float32, [None])
    c = tf.cond(tf.reduce_sum(a) > 0, lambda: tf.reduce_prod(a), lambda: tf.reduce_max(a))
    cs = tf.case(
        [(tf.size(a) > 2, lambda: a[0]), (tf.size(a) > 1, lambda: a[1] * 2)],
        default=lambda: tf.constant(-1.0),
    )
    print(
        "RESULT cond",
        [
            s.run([c, cs, tf.gradients(c, a)[0]], {a: v})
            for v in ([1.0, 2.0], [-1.0, -2.0, 0.5], [-3.0])
        ],
    )
