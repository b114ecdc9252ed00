"""TensorFlow 1's feature columns in a model_fn, driven by a loop as an estimator has it: train, evaluate, predict by sessions."""

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()
rng = np.random.default_rng(271)
N = 150
people = {
    "age": rng.integers(18, 80, N).astype("float32"),
    "hours": rng.normal(38, 8, N).astype("float32"),
    "job": rng.choice(["clerk", "smith", "cook", "nurse", "pilot"], N).astype("S"),
    "city": rng.integers(0, 400, N).astype("int64"),
    "tags": np.array([rng.choice(["a", "b", "c", "d"], 3) for _ in range(N)]).astype("S"),
}
income = (
    people["age"] * 0.04 + people["hours"] * 0.05 + (people["job"] == b"pilot") * 2 > 4
).astype("int64")

fc = tf.feature_column
age = fc.numeric_column("age", normalizer_fn=lambda x: (x - 45.0) / 20.0)
decade = fc.bucketized_column(fc.numeric_column("age"), [25, 35, 45, 55, 65])
job = fc.categorical_column_with_vocabulary_list(
    "job", ["clerk", "smith", "cook", "nurse"], num_oov_buckets=2
)
city = fc.categorical_column_with_hash_bucket("city", 30, tf.int64)
tags = fc.categorical_column_with_vocabulary_list("tags", ["a", "b", "c"], default_value=-1)
crossed = fc.crossed_column([decade, "job"], 40)
deep = [
    age,
    fc.numeric_column("hours", normalizer_fn=lambda x: x / 40),
    fc.indicator_column(job),
    fc.embedding_column(city, 4, initializer=tf.truncated_normal_initializer(stddev=0.3, seed=1)),
    fc.embedding_column(
        tags, 3, combiner="sqrtn", initializer=tf.truncated_normal_initializer(stddev=0.3, seed=2)
    ),
]
wide = [decade, job, crossed, fc.weighted_categorical_column(tags, "weights")]


def input_fn(rows, batch, shuffle):
    """Batches of features, the tags' weights among them, and labels."""
    features = {name: values[rows] for name, values in people.items()}
    features["weights"] = np.linspace(0.5, 1.5, features["tags"].size, dtype="float32").reshape(
        -1, 3
    )
    data = tf.data.Dataset.from_tensor_slices((features, income[rows]))
    if shuffle:
        data = data.shuffle(200, seed=3).repeat(2)
    return tf.data.make_one_shot_iterator(data.batch(batch)).get_next()


def dense_variables(name, inputs, units, seed):
    with tf.variable_scope(name):
        kernel = tf.get_variable(
            "kernel", [inputs, units], initializer=tf.glorot_uniform_initializer(seed=seed)
        )
        return kernel, tf.get_variable("bias", [units], initializer=tf.zeros_initializer())


def model_fn(features, labels, mode, params):
    with tf.variable_scope("linear"):
        linear, linear_logits = [], fc.linear_model(features, wide, units=1, sparse_combiner="mean")
        linear = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, "linear")
    with tf.variable_scope("deep"):
        net = fc.input_layer(features, deep)
        for k, units in enumerate(params["hidden"]):
            net = tf.nn.relu_layer(net, *dense_variables(f"hidden_{k}", net.shape[1], units, k))
            if mode == "train":
                net = tf.nn.dropout(net, rate=0.1, seed=5)
        logits = (
            tf.nn.xw_plus_b(net, *dense_variables("logits", net.shape[1], 1, 9)) + linear_logits
        )
    logits = tf.squeeze(logits, 1)
    probability = tf.sigmoid(logits)
    if mode == "infer":
        return {"probability": probability, "class": tf.cast(logits > 0, tf.int64)}
    loss = tf.losses.sigmoid_cross_entropy(labels, logits, label_smoothing=0.02)
    if mode == "eval":
        return loss, {
            "accuracy": tf.metrics.accuracy(labels, logits > 0),
            "auc": tf.metrics.auc(
                labels, probability, curve="PR", summation_method="careful_interpolation"
            ),
            "loss": tf.metrics.mean(loss),
            "recall": tf.metrics.recall_at_thresholds(labels, probability, [0.3, 0.7]),
        }
    step = tf.train.get_or_create_global_step()
    deep_variables = tf.trainable_variables("deep")
    rate = tf.train.polynomial_decay(0.1, step, 10, 0.02, power=0.5)
    train = tf.group(
        tf.train.FtrlOptimizer(0.2, l1_regularization_strength=0.01).minimize(
            loss, var_list=linear
        ),
        tf.train.AdagradOptimizer(rate).minimize(loss, var_list=deep_variables, global_step=step),
    )
    return loss, train, step


def train(rows, params, folder):
    with tf.Graph().as_default():
        tf.set_random_seed(4)
        features, labels = input_fn(rows, 40, True)
        loss, operation, step = model_fn(features, labels, "train", params)
        hooks = [tf.train.StopAtStepHook(num_steps=5), tf.train.NanTensorHook(loss)]
        saver = tf.train.CheckpointSaverHook(folder, save_steps=3)
        with tf.train.MonitoredTrainingSession(
            hooks=hooks, chief_only_hooks=[saver], checkpoint_dir=folder
        ) as session:
            while not session.should_stop():
                value, number, _ = session.run([loss, step, operation])
                print("RESULT step", number, value)


def evaluate(rows, params, folder):
    with tf.Graph().as_default():
        features, labels = input_fn(rows, 32, False)
        _, metrics = model_fn(features, labels, "eval", params)
        names, pairs = zip(*sorted(metrics.items()))
        with tf.Session() as session:
            session.run([tf.local_variables_initializer(), tf.tables_initializer()])
            tf.train.Saver().restore(session, tf.train.latest_checkpoint(folder))
            try:
                while True:
                    session.run([update for _, update in pairs])
            except tf.errors.OutOfRangeError:
                pass
            for name, value in zip(names, session.run([value for value, _ in pairs])):
                print("RESULT", name, *np.ravel(value))


def predict(rows, params, folder):
    with tf.Graph().as_default():
        features, _ = input_fn(rows, 7, False)
        outputs = model_fn(features, None, "infer", params)
        scaffold = tf.train.Scaffold()
        creator = tf.train.ChiefSessionCreator(scaffold, checkpoint_dir=folder)
        with tf.train.MonitoredSession(creator) as session:
            while not session.should_stop():
                found = session.run(outputs)
                yield from zip(found["probability"], found["class"])


params = {"hidden": [12, 6]}
for _ in range(2):
    train(np.arange(110), params, "model")
    evaluate(np.arange(110, N), params, "model")
for probability, kind in list(predict(np.arange(140, N), params, "model")):
    print("RESULT predicted", probability, kind)
names = [name for name, _ in tf.train.list_variables(tf.train.latest_checkpoint("model"))]
print("RESULT variables", len(names), *[n for n in names if "embedding" in n or "weighted" in n])
