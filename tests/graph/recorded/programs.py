"""Programs whose graphs are compared with TensorFlow's. Each function takes TensorFlow's module, or Penstock in its place, and
returns a GraphDef."""


def variables(tf):
    """Variables of all kinds under scopes."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with v1.variable_scope("net"):
            w = v1.get_variable("w", [4, 3], initializer=v1.glorot_uniform_initializer(seed=1))
            b = v1.get_variable("b", [3], initializer=v1.zeros_initializer())
            v1.get_variable("n", [3], initializer=v1.random_normal_initializer(stddev=0.1, seed=1))
            v1.get_variable("t", [3], initializer=v1.truncated_normal_initializer(seed=2))
            v1.get_variable("u", [3], initializer=v1.random_uniform_initializer(-1, 1, seed=3))
            v1.get_variable("c", [3], initializer=v1.constant_initializer(3.0))
            v1.get_variable("d", [3])
        with v1.variable_scope("net", reuse=True):
            w2 = v1.get_variable("w", [4, 3])
        y = v1.nn.xw_plus_b(x, w, b, name="y")
        z = tf.nn.relu(tf.matmul(x, w2) + b)
        old = v1.Variable(tf.zeros([3]), name="old", use_resource=False)
        new = v1.Variable([1.0, 2.0, 3.0], name="new", use_resource=True)
        tf.Variable(2.0, name="two")
        with tf.name_scope("assign"):
            v1.assign(old, old + 1.0)
            v1.assign_add(new, [1.0, 1.0, 1.0])
            new.assign_sub([1.0, 1.0, 1.0])
        with v1.name_scope("sum", values=[y, z]):
            tf.reduce_sum(y + z)
        v1.global_variables_initializer()
        v1.report_uninitialized_variables()
    return graph.as_graph_def()


def references(tf):
    """Reference variables, as programs without resources make them."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        with v1.variable_scope("net", use_resource=False):
            w = v1.get_variable("w", [3], initializer=v1.ones_initializer(), use_resource=False)
        x = v1.placeholder(tf.float32, [3], name="x")
        loss = tf.reduce_sum(tf.square(x * w - 1.0))
        v1.train.GradientDescentOptimizer(0.1).minimize(loss)
        v1.global_variables_initializer()
        v1.train.Saver()
    return graph.as_graph_def()


def losses(tf):
    """The losses of TensorFlow 1."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        labels = v1.placeholder(tf.float32, [None, 3], name="labels")
        logits = v1.placeholder(tf.float32, [None, 3], name="logits")
        classes = v1.placeholder(tf.int64, [None], name="classes")
        v1.losses.absolute_difference(labels, logits)
        v1.losses.mean_squared_error(labels, logits)
        v1.losses.sigmoid_cross_entropy(labels, logits)
        v1.losses.softmax_cross_entropy(labels, logits)
        v1.losses.sparse_softmax_cross_entropy(classes, logits)
        v1.losses.huber_loss(labels, logits, weights=2.0)
        v1.losses.hinge_loss(labels, logits, reduction=v1.losses.Reduction.MEAN)
        v1.losses.log_loss(labels, tf.sigmoid(logits))
        v1.losses.get_total_loss()
    return graph.as_graph_def()


def _regression(tf, optimizer, **arguments):
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        y = v1.placeholder(tf.float32, [None, 1], name="y")
        with v1.variable_scope("layer"):
            w = v1.get_variable("w", [4, 1], initializer=v1.zeros_initializer(), use_resource=True)
            b = v1.get_variable("b", [1], initializer=v1.zeros_initializer(), use_resource=True)
        out = tf.nn.tanh(tf.matmul(x, w) + b)
        loss = tf.reduce_mean(tf.square(out - y), name="loss")
        step = v1.train.get_or_create_global_step()
        optimizer(v1)(**arguments).minimize(loss, global_step=step)
        v1.global_variables_initializer()
    return graph.as_graph_def()


def gradient_descent(tf):
    """A step of gradient descent."""
    return _regression(tf, lambda v1: v1.train.GradientDescentOptimizer, learning_rate=0.1)


def momentum(tf):
    """A step with momentum."""
    optimizer = lambda v1: v1.train.MomentumOptimizer  # noqa: E731
    return _regression(tf, optimizer, learning_rate=0.1, momentum=0.9)


def adam(tf):
    """A step of Adam."""
    return _regression(tf, lambda v1: v1.train.AdamOptimizer, learning_rate=0.1)


def other_optimizers(tf):
    """A step of each other optimizer, over dense and gathered variables."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        table = v1.get_variable(
            "table", [5, 2], initializer=v1.ones_initializer(), use_resource=True
        )
        w = v1.get_variable("w", [2], initializer=v1.ones_initializer(), use_resource=True)
        rows = tf.nn.embedding_lookup(table, [1, 3])
        loss = tf.reduce_sum(rows * w)
        v1.train.AdagradOptimizer(0.1).minimize(loss)
        v1.train.RMSPropOptimizer(0.1).minimize(loss)
        v1.train.FtrlOptimizer(0.1).minimize(loss)
        v1.train.AdadeltaOptimizer(0.1).minimize(loss)
        v1.train.AdamOptimizer(0.1).minimize(loss)
    return graph.as_graph_def()


def classifier(tf):
    """A convolutional classifier with its gradients."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        images = v1.placeholder(tf.float32, [None, 8, 8, 1], name="images")
        labels = v1.placeholder(tf.int32, [None], name="labels")
        with v1.variable_scope("conv"):
            kernel = v1.get_variable("kernel", [3, 3, 1, 4], use_resource=True)
            bias = v1.get_variable("bias", [4], use_resource=True)
        h = v1.nn.conv2d(images, kernel, strides=[1, 1, 1, 1], padding="SAME")
        h = tf.nn.relu(tf.nn.bias_add(h, bias))
        h = v1.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "VALID", name="pool")
        h = tf.reshape(h, [-1, 64])
        h = v1.nn.dropout(h, rate=0.5, seed=1)
        w = v1.get_variable("w", [64, 10], use_resource=True)
        logits = tf.matmul(h, w)
        loss = tf.reduce_mean(
            v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
        )
        loss += 0.01 * tf.nn.l2_loss(w)
        right = tf.equal(tf.argmax(logits, 1), tf.cast(labels, tf.int64))
        tf.reduce_mean(tf.cast(right, tf.float32), name="accuracy")
        optimizer = v1.train.AdamOptimizer(1e-3)
        pairs = optimizer.compute_gradients(loss)
        clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 5.0)
        optimizer.apply_gradients(zip(clipped, [v for _, v in pairs], strict=True))
    return graph.as_graph_def()


def gradients(tf):
    """Gradients of what programs compute most."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [2, 3], name="x")
        y = v1.placeholder(tf.float32, [None, 3], name="y")
        a = tf.exp(x) / (1.0 + tf.sqrt(x)) - tf.maximum(x, 2.0)
        b = tf.concat([a, y], 0)[1:, :2]
        c = tf.reduce_mean(tf.nn.softmax(b), axis=1)
        d = tf.transpose(tf.expand_dims(c, 0))
        e = tf.reduce_max(tf.stack([d, tf.abs(d)]), axis=0)
        loss = tf.reduce_sum(tf.where(e > 0.0, e, -e) ** 2.0) + tf.reduce_prod(x)
        v1.gradients(loss, [x, y], name="first")
        (g,) = v1.gradients(tf.reduce_sum(tf.math.log(x) * x), x)
        v1.gradients(g, x)
    return graph.as_graph_def()


def control_flow(tf):
    """Branches and loops, with gradients."""
    v1 = tf.compat.v1
    v1.enable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [], name="x")
        n = v1.placeholder(tf.int32, [], name="n")
        c = v1.cond(x > 0.0, lambda: x * 2.0, lambda: x - 1.0, name="choose")
        i, s = v1.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * x), [0, 1.0])
        v1.gradients(c + s, x)
        tf.group(c, i, name="both")
        with v1.control_dependencies([v1.assert_equal(n, 3)]):
            tf.identity(s, name="out")
    return graph.as_graph_def()


def control_flow_v1(tf):
    """Branches and loops of Switch and Merge."""
    v1 = tf.compat.v1
    v1.disable_control_flow_v2()
    with tf.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [], name="x")
        n = v1.placeholder(tf.int32, [], name="n")
        v1.cond(x > 0.0, lambda: x * 2.0, lambda: x - 1.0, name="choose")
        v1.while_loop(lambda i, s: i < n, lambda i, s: (i + 1, s * x), [0, 1.0])
    v1.enable_control_flow_v2()
    return graph.as_graph_def()


def saving(tf):
    """Savers, summaries and a global step."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        v = v1.get_variable("v", [2], initializer=v1.zeros_initializer(), use_resource=True)
        v1.get_variable("w", [2], initializer=v1.zeros_initializer(), use_resource=False)
        v1.train.create_global_step()
        v1.summary.scalar("total", tf.reduce_sum(v))
        with tf.name_scope("inner"):
            v1.summary.histogram("values", v)
        v1.summary.merge_all()
        v1.train.Saver()
        v1.train.Saver([v], name="second")
        rate = v1.train.exponential_decay(0.1, v1.train.get_global_step(), 100, 0.9, staircase=True)
        v1.summary.scalar("rate", rate)
        average = v1.train.ExponentialMovingAverage(0.9)
        average.apply([v])
    return graph.as_graph_def()


def queues(tf):
    """Queues and readers of input pipelines."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        queue = v1.FIFOQueue(10, [tf.float32], shapes=[[]], name="queue")
        queue.enqueue(1.0)
        queue.enqueue_many([[1.0, 2.0]])
        got = queue.dequeue()
        queue.dequeue_many(2)
        queue.size()
        queue.close()
        v1.train.batch([got], 2)
        v1.train.shuffle_batch([got], 2, 10, 2, seed=1)
        names = v1.train.string_input_producer(["a", "b"], shuffle=False)
        v1.WholeFileReader().read(names)
        v1.train.slice_input_producer([[1, 2, 3]], shuffle=False)
    return graph.as_graph_def()


def metrics(tf):
    """Metrics that add up over steps."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        labels = v1.placeholder(tf.int64, [None], name="labels")
        guesses = v1.placeholder(tf.int64, [None], name="guesses")
        v1.metrics.accuracy(labels, guesses)
        v1.metrics.mean(tf.cast(labels, tf.float32))
        v1.metrics.precision(labels, guesses)
        v1.local_variables_initializer()
    return graph.as_graph_def()


def function(tf):
    """A function with a branch and a loop that AutoGraph converts."""
    v = tf.Variable([1.0, 2.0], name="v")

    @tf.function
    def body(x, n):
        y = tf.matmul(x, tf.expand_dims(v, 1))
        if tf.reduce_sum(y) > 1.0:
            y = y * 2.0
        else:
            y = y - 1.0
        i = 0
        while i < n:
            y = tf.tanh(y)
            i += 1
        v.assign_add([1.0, 1.0])
        return y, {"sum": tf.reduce_sum(y)}

    x, n = tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([], tf.int32)
    return body.get_concrete_function(x, n).graph.as_graph_def()


def tape(tf):
    """A training step by hand, in a function."""
    w = tf.Variable(tf.ones([3, 2]), name="w")
    b = tf.Variable(tf.zeros([2]), name="b")

    @tf.function(autograph=False)
    def dense(x):
        return tf.nn.relu(x @ w + b)

    @tf.function(autograph=False)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((dense(x) - y) ** 2)
        for variable, gradient in zip((w, b), tape.gradient(loss, (w, b)), strict=True):
            variable.assign_sub(0.1 * gradient)
        return loss

    x, y = tf.TensorSpec([None, 3], tf.float32, "x"), tf.TensorSpec([None, 2], tf.float32, "y")
    return step.get_concrete_function(x, y).graph.as_graph_def()


def _model(tf, shape, layers):
    import keras  # once TensorFlow is there, or Penstock in its place

    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input(shape), *layers(keras.layers)])
    called = tf.function(lambda x: model(x, training=False), autograph=False)
    spec = tf.TensorSpec([None, *shape], tf.float32, "x")
    return called.get_concrete_function(spec).graph.as_graph_def()


def keras_dense(tf):
    """Keras: dense layers."""
    return _model(
        tf,
        [4],
        lambda layers: [
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ],
    )


def keras_convolutional(tf):
    """Keras: convolutions."""
    return _model(
        tf,
        [8, 8, 3],
        lambda layers: [
            layers.Conv2D(4, 3, activation="gelu"),
            layers.LayerNormalization(),
            layers.MaxPooling2D(),
            layers.GlobalAveragePooling2D(),
            layers.Flatten(),
            layers.Dense(2),
        ],
    )


def keras_recurrent(tf):
    """Keras: recurrent layers."""
    return _model(
        tf,
        [5, 4],
        lambda layers: [
            layers.LSTM(3, return_sequences=True),
            layers.GRU(3),
            layers.Dense(1, activation="sigmoid"),
        ],
    )


def keras_training(tf):
    """Keras: a step of training."""
    import keras  # once TensorFlow is there, or Penstock in its place

    keras.backend.clear_session()
    model = keras.Sequential([keras.Input([4]), keras.layers.Dense(2)])
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(model.trainable_variables)

    @tf.function(autograph=False)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = keras.losses.MeanSquaredError()(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    x, y = tf.TensorSpec([None, 4], tf.float32, "x"), tf.TensorSpec([None, 2], tf.float32, "y")
    return step.get_concrete_function(x, y).graph.as_graph_def()


PROGRAMS = [
    variables,
    references,
    losses,
    gradient_descent,
    momentum,
    adam,
    other_optimizers,
    classifier,
    gradients,
    control_flow,
    control_flow_v1,
    saving,
    queues,
    metrics,
    function,
    tape,
    keras_dense,
    keras_convolutional,
    keras_recurrent,
    keras_training,
]
