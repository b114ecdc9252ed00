"""Steps whose inputs have another shape in nearly every call: lengths, batches, images, graphs, sounds."""

import itertools
import time

import numpy as np
from shape_peers import inputs
from shape_peers import weights as arrays
from shape_peers.weights import HEADS, WIDTH

TITLE = "Ever new shapes"
NOTE = (
    "Milliseconds of a call of one `tf.function` with unknown dimensions, in each of which inputs have another shape: of the first 30 calls on "
    "average, tracing and compilation included, and of calls 150 to 200 in the median. In rounds after the first Penstock finds its kernels in its cache on "
    "disk, so `first_30_ms` of several rounds is that of a machine that has run the program before. JAX's function is compiled for every shape; for `jax-padded` a call pads "
    "batches, lengths, heights and widths to powers of two, and masks what it added. PyTorch's is `torch.compile(dynamic=True)`, whose LSTM is `torch.nn.LSTM`. "
    "`memory_mb` is the peak memory of the process."
)
BACKENDS = ["penstock", "tensorflow", "jax", "jax-padded", "torch"]
LOWER = {"first_30_ms", "later_ms", "memory_mb"}
FIRST, CALLS, LATER = 30, 200, 50


def weights(tf, random, *shape):
    """Returns a variable of small numbers."""
    return tf.Variable(arrays.drawn(random, *shape))


def training(tf, loss_of, variables, *specs):
    """Returns a step of gradient descent."""

    @tf.function(input_signature=specs)
    def step(*batch):
        with tf.GradientTape() as tape:
            loss = loss_of(*batch)
        for variable, slope in zip(variables, tape.gradient(loss, variables)):
            variable.assign_sub(1e-3 * tf.convert_to_tensor(slope))
        return loss

    return step


def normalized(tf, x, scale):
    """Returns rows of mean 0 and variance 1, scaled."""
    centered = x - tf.reduce_mean(x, -1, keepdims=True)
    spread = tf.math.rsqrt(tf.reduce_mean(tf.square(centered), -1, keepdims=True) + 1e-5)
    return centered * spread * scale


def transformer(tf, random):
    """Returns (a model of two blocks that gives a score of each word at each place, its variables)."""
    *embedded, drawn = arrays.transformer(random, inputs.WORDS)
    words, places = map(tf.Variable, embedded)
    blocks = [list(map(tf.Variable, block)) for block in drawn]

    def model(tokens):
        batch, length = tf.shape(tokens)[0], tf.shape(tokens)[1]
        x = tf.gather(words, tokens) + places[:length]
        past = tf.linalg.band_part(tf.ones([length, length]), -1, 0)
        for first, project, back, second, widen, narrow in blocks:
            three = tf.tensordot(normalized(tf, x, first), project, 1)
            three = tf.reshape(three, [batch, length, 3, HEADS, WIDTH // HEADS])
            q, k, v = (tf.transpose(part, [0, 2, 1, 3]) for part in tf.unstack(three, axis=2))
            scores = tf.matmul(q, k, transpose_b=True) / (WIDTH // HEADS) ** 0.5
            mixed = tf.matmul(tf.nn.softmax(scores - 1e9 * (1 - past)), v)
            mixed = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, length, WIDTH])
            x += tf.tensordot(mixed, back, 1)
            wide = tf.nn.gelu(tf.tensordot(normalized(tf, x, second), widen, 1))
            x += tf.tensordot(wide, narrow, 1)
        return tf.tensordot(x, words, [[2], [1]])

    return model, [words, places, *itertools.chain(*blocks)]


def texts(tf, random, trains):
    """Transformers on texts of any number and length."""
    model, variables = transformer(tf, random)
    spec = tf.TensorSpec([None, None], tf.int32)

    def loss(tokens, wanted):
        entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(wanted, model(tokens))
        return tf.reduce_mean(entropy)

    if trains:
        return training(tf, loss, variables, spec, spec)
    return tf.function(lambda t: tf.argmax(model(t)[:, -1], -1), input_signature=[spec])


def images(tf, random, trains):
    """A convolutional net on images of any size."""
    drawn, last = arrays.images(random)
    kernels, last = list(map(tf.Variable, drawn)), tf.Variable(last)

    def net(x):
        for kernel in kernels:
            x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME")), 2, 2, "SAME")
        return tf.reduce_mean(x, [1, 2]) @ last

    spec = tf.TensorSpec([None, None, None, 3])
    if trains:
        return training(tf, lambda x: tf.reduce_mean(net(x) ** 2), [*kernels, last], spec)
    return tf.function(net, input_signature=[spec])


def recurrent(tf, random):
    """An LSTM on sequences of any length."""
    inward, onward, last = map(tf.Variable, arrays.lstm(random))

    def loss(x):
        steps, length = tf.transpose(x, [1, 0, 2]), tf.shape(x)[1]
        state = tf.zeros([tf.shape(x)[0], 32])

        def step(i, h, c):
            let, forget, show, new = tf.split(steps[i] @ inward + h @ onward, 4, 1)
            c = tf.sigmoid(forget) * c + tf.sigmoid(let) * tf.tanh(new)
            return i + 1, tf.sigmoid(show) * tf.tanh(c), c

        _, state, _ = tf.while_loop(
            lambda i, *_: i < length, step, (0, state, state), maximum_iterations=length
        )
        return tf.reduce_mean((state @ last - 1) ** 2)

    return training(tf, loss, [inward, onward, last], tf.TensorSpec([None, None, 16]))


def graphs(tf, random):
    """A graph network: nodes and edges of any number."""
    variables = [weights(tf, random, *ends) for ends in ((8, 32), (32, 32), (64, 32), (32, 1))]
    first, message, update, last = variables

    def loss(nodes, sources, targets, wanted):
        h = tf.nn.relu(nodes @ first)
        sent = tf.nn.relu(tf.gather(h, sources) @ message)
        got = tf.math.unsorted_segment_sum(sent, targets, tf.shape(nodes)[0])
        h = tf.nn.relu(tf.concat([h, got], 1) @ update)
        return tf.reduce_mean((h @ last - wanted) ** 2)

    def drawn(random):
        nodes, edges = random.integers(20, 120), random.integers(40, 400)
        ends = random.integers(0, nodes, (2, edges)).astype(np.int32)
        features = random.normal(size=(nodes, 9)).astype(np.float32)
        return features[:, :8].copy(), ends[0], ends[1], features[:, 8:].copy()

    numbers, ids = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, 1])
    return training(tf, loss, variables, tf.TensorSpec([None, 8]), numbers, numbers, ids), drawn


def dense(tf, random):
    """Dense layers on batches of any size."""
    first, last = map(tf.Variable, arrays.dense(random))

    def loss(x, y):
        logits = tf.nn.relu(x @ first) @ last
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))

    specs = tf.TensorSpec([None, 20]), tf.TensorSpec([None], tf.int32)
    return training(tf, loss, [first, last], *specs)


def ragged(tf, random):
    """Means of embedded words of texts of any number and lengths."""
    words, last = weights(tf, random, 100, 16), weights(tf, random, 16, 4)

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.int32)])
    def call(texts):
        embedded = tf.ragged.map_flat_values(tf.nn.embedding_lookup, words, texts)
        return tf.nn.softmax(tf.reduce_mean(embedded, 1) @ last)

    def drawn(random):
        lengths = random.integers(1, 20, random.integers(2, 30))
        tokens = random.integers(0, 100, lengths.sum()).astype(np.int32)
        return (tf.RaggedTensor.from_row_lengths(tokens, lengths),)

    return call, drawn


def boxes(tf, random):
    """Boxes of any number, of which those that overlap less are kept."""

    @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None])])
    def call(corners, scores):
        return tf.gather(corners, tf.image.non_max_suppression(corners, scores, 20, 0.5))

    def drawn(random):
        count = random.integers(5, 200)
        corners = random.random((count, 4)).astype(np.float32)
        corners[:, 2:] += corners[:, :2]
        return corners, random.random(count).astype(np.float32)

    return call, drawn


def sounds(tf, random):
    """Spectrograms of sounds of any length."""

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def call(waves):
        return tf.math.log(tf.abs(tf.signal.stft(waves, 256, 128)) + 1e-6)

    def drawn(random):
        return (random.normal(size=(2, random.integers(1000, 9000))).astype(np.float32),)

    return call, drawn


PROGRAMS = {
    "text, training": lambda tf, random: texts(tf, random, True),
    "text, training, any batch": lambda tf, random: texts(tf, random, True),
    "text, any batch": lambda tf, random: texts(tf, random, False),
    "growing text": lambda tf, random: texts(tf, random, False),
    "images, training": lambda tf, random: images(tf, random, True),
    "images": lambda tf, random: images(tf, random, False),
    "lstm, training": recurrent,
    "dense, training": dense,
}
# Programs of TensorFlow's users alone, with functions that draw their inputs.
OWN_PROGRAMS = {
    "graphs, training": graphs,
    "ragged": ragged,
    "boxes": boxes,
    "sounds": sounds,
}
CASES = [*PROGRAMS, *OWN_PROGRAMS]


def program(case, backend, random):
    """Returns (the function to call, what makes its inputs of arrays, what draws those); None if the backend has no such program."""
    drawn = inputs.DRAWN[case]() if case in PROGRAMS else None
    if backend in ("jax", "jax-padded", "torch") and drawn is None:
        return None
    if backend in ("jax", "jax-padded"):
        from shape_peers import jax_programs

        return *jax_programs.program(case, random, backend == "jax-padded"), drawn
    if backend == "torch":
        from shape_peers import torch_programs

        return *torch_programs.program(case, random), drawn
    import tensorflow as tf

    def given(x):
        return x if isinstance(x, tf.RaggedTensor) else tf.constant(x)

    call, own = (PROGRAMS[case](tf, random), drawn) if drawn else OWN_PROGRAMS[case](tf, random)
    return lambda *batch: call(*batch).numpy(), given, own


def measure(case, backend):
    """Times calls with inputs of ever new shapes."""
    found = program(case, backend, np.random.default_rng(1))
    if found is None:
        return {}
    call, given, drawn = found
    random = np.random.default_rng(2)
    milliseconds = []
    for _ in range(CALLS):
        batch = [given(x) for x in drawn(random)]
        start = time.perf_counter()
        call(*batch)
        milliseconds.append((time.perf_counter() - start) * 1e3)
    return {
        "first_30_ms": float(np.mean(milliseconds[:FIRST])),
        "later_ms": float(np.median(milliseconds[-LATER:])),
    }
