"""compat.v1: placeholders, variable scopes with reuse, batch norm with update ops, summaries, savers, feed dicts with partial batches."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
tf.set_random_seed(3)
rng = np.random.default_rng(3)
X = rng.normal(size=(130, 12)).astype("float32")
Y = (X @ rng.normal(size=(12, 4))).argmax(1)


def init(seed):
    return tf.glorot_uniform_initializer(seed=seed)


x = tf.placeholder(tf.float32, [None, 12], "x")
y = tf.placeholder(tf.int64, [None], "y")
train = tf.placeholder_with_default(False, [], "train")
keep = tf.placeholder_with_default(1.0, [])


def dense(h, n, name, seed, act=None):
    with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
        w = tf.get_variable(
            "w",
            [h.shape[1], n],
            initializer=init(seed),
            regularizer=lambda v: 0.001 * tf.nn.l2_loss(v),
        )
        b = tf.get_variable("b", [n], initializer=tf.zeros_initializer())
        o = tf.nn.xw_plus_b(h, w, b)
        return act(o) if act else o


def norm(h, name):
    with tf.variable_scope(name):
        g = tf.get_variable("gamma", [h.shape[1]], initializer=tf.ones_initializer())
        b = tf.get_variable("beta", [h.shape[1]], initializer=tf.zeros_initializer())
        mm = tf.get_variable(
            "mean", [h.shape[1]], initializer=tf.zeros_initializer(), trainable=False
        )
        mv = tf.get_variable(
            "var", [h.shape[1]], initializer=tf.ones_initializer(), trainable=False
        )

        def training():
            mean, var = tf.nn.moments(h, [0])
            with tf.control_dependencies(
                [tf.assign_sub(mm, 0.1 * (mm - mean)), tf.assign_sub(mv, 0.1 * (mv - var))]
            ):
                return (tf.identity(mean), tf.identity(var))

        mean, var = tf.cond(
            train,
            training,
            lambda: (mm.read_value(), mv + 0.0),
        )
        return tf.nn.batch_normalization(h, mean, var, b, g, 0.001)


h = norm(dense(x, 16, "l1", 1, tf.nn.relu), "bn1")
h = tf.nn.dropout(h, rate=1 - keep, seed=9)
logits = dense(h, 4, "l2", 2)
loss = (
    tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
    + tf.losses.get_regularization_loss()
)
acc = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), y), tf.float32))
gs = tf.train.get_or_create_global_step()
lr = tf.train.exponential_decay(0.05, gs, 5, 0.8, staircase=True)
opt = tf.train.AdamOptimizer(lr)
gv = opt.compute_gradients(loss)
grads, norm_ = tf.clip_by_global_norm([g for g, _ in gv], 1.0)
ops = opt.apply_gradients(zip(grads, [v for _, v in gv]), global_step=gs)
ema = tf.train.ExponentialMovingAverage(0.9, gs)
with tf.control_dependencies([ops]):
    step = ema.apply(tf.trainable_variables())
tf.summary.scalar("loss", loss)
tf.summary.histogram("logits", logits)
merged = tf.summary.merge_all()
saver = tf.train.Saver(max_to_keep=2)
m_acc, m_up = tf.metrics.accuracy(y, tf.argmax(logits, 1))
m_auc, a_up = tf.metrics.auc(tf.equal(y, 0), tf.nn.softmax(logits)[:, 0])
with tf.Session() as s:
    s.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    w = tf.summary.FileWriter("logs", s.graph)
    for e in range(3):
        out = []
        for a in range(0, 130, 48):
            f = {x: X[a : a + 48], y: Y[a : a + 48], train: True, keep: 0.8}
            l, n, r, sm, _ = s.run([loss, norm_, lr, merged, step], f)
            out += [l, n, r]
            w.add_summary(sm, e)
        print("RESULT epoch", e, *out)
        saver.save(s, "ck/m", gs)
    for a in range(0, 130, 50):
        s.run([m_up, a_up], {x: X[a : a + 50], y: Y[a : a + 50]})
    print("RESULT eval", *s.run([loss, acc], {x: X, y: Y}), *s.run([m_acc, m_auc]), s.run(gs))
    print("RESULT ema", *[s.run(tf.reduce_sum(ema.average(v))) for v in tf.trainable_variables()])
    ck = tf.train.latest_checkpoint("ck")
with tf.Session() as s:
    saver.restore(s, ck)
    print("RESULT restored", *s.run([loss, acc], {x: X, y: Y}), s.run(gs))
    print(
        "RESULT names",
        sorted((n for n, _ in tf.train.list_variables(ck)))[:6],
        len(tf.train.list_variables(ck)),
    )
    J = tf.gradients(logits[:, 0], x)[0]
    H = tf.hessians(loss, tf.trainable_variables()[1])[0]
    print(
        "RESULT grads",
        s.run(tf.reduce_sum(J, 0), {x: X[:7]})[:4],
        float(np.abs(s.run(H, {x: X, y: Y})).sum()),
    )
