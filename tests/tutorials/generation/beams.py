"""A decoder with a cache of keys and values: greedy, beams with length penalty and n-gram blocking, and speculative decoding."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(252)
rng = np.random.default_rng(252)
SIZE, END, LONGEST = 24, 0, 14


class Decoder(tf.Module):
    """A causal transformer that takes new tokens only, and keeps what it needs of the old ones."""

    def __init__(self, width, heads, layers, seed, name=None):
        super().__init__(name)
        random = np.random.default_rng(seed)

        def weight(*shape):
            return tf.Variable(random.normal(0, 1 / shape[0] ** 0.5, shape).astype("float32"))

        self.width, self.heads, self.layers = width, heads, layers
        self.table, self.places = weight(SIZE, width), weight(32, width)
        self.qkv = [weight(width, 3 * width) for _ in range(layers)]
        self.mix = [weight(width, width) for _ in range(layers)]
        self.wide = [(weight(width, 2 * width), weight(2 * width, width)) for _ in range(layers)]

    def empty(self, rows):
        return tf.zeros([self.layers, 2, rows, self.heads, 0, self.width // self.heads])

    def __call__(self, tokens, cache):
        """Logits after each new token, and the cache with them."""
        rows, new, old = tf.shape(tokens)[0], tf.shape(tokens)[1], tf.shape(cache)[4]
        x = tf.gather(self.table, tokens) * 3 + tf.gather(self.places, tf.range(old, old + new))
        causal = tf.linalg.band_part(tf.ones([new, old + new]), -1, old)
        caches = []
        for k in range(self.layers):
            parts = tf.reshape(normalized(x) @ self.qkv[k], [rows, new, 3, self.heads, -1])
            q, keys, values = tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4]), num=3)
            keys, values = tf.concat([cache[k, 0], keys], 2), tf.concat([cache[k, 1], values], 2)
            scores = tf.einsum("bhqd,bhkd->bhqk", q, keys) * self.width**-0.5
            weights = tf.nn.softmax(scores + tf.math.log(causal + 1e-20))
            mixed = tf.reshape(
                tf.transpose(weights @ values, [0, 2, 1, 3]), [rows, new, self.width]
            )
            x += mixed @ self.mix[k]
            x += tf.nn.swish(normalized(x) @ self.wide[k][0]) @ self.wide[k][1]
            caches.append(tf.stack([keys, values]))
        return tf.einsum("bnw,vw->bnv", normalized(x), self.table), tf.stack(caches)


def normalized(x):
    return x * tf.math.rsqrt(tf.reduce_mean(x**2, -1, keepdims=True) + 1e-6)


big, small = Decoder(16, 2, 2, 1, "big"), Decoder(8, 1, 1, 2, "small")


@tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
def greedy(prompts):
    logits, cache = big(prompts, big.empty(tf.shape(prompts)[0]))
    token = tf.argmax(logits[:, -1], -1, tf.int32)[:, None]
    out = token
    while tf.shape(out)[1] < LONGEST and not tf.reduce_all(tf.reduce_any(out == END, 1)):
        tf.autograph.experimental.set_loop_options(
            shape_invariants=[
                (out, tf.TensorShape([None, None])),
                (cache, tf.TensorShape([2, 2, None, 2, None, 8])),
            ]
        )
        logits, cache = big(token, cache)
        token = tf.argmax(logits[:, -1], -1, tf.int32)[:, None]
        out = tf.concat([out, token], 1)
    return out


@tf.function(reduce_retracing=True)
def beam_search(prompts, beams, alpha):
    """The best sequences of each prompt: finished beams stay, and no pair of tokens comes twice."""
    rows = tf.shape(prompts)[0]
    logits, cache = big(tf.repeat(prompts, beams, 0), big.empty(rows * beams))
    sequences = tf.zeros([rows, beams, 0], tf.int32)
    scores = tf.where(tf.range(beams) == 0, 0.0, -1e9) + tf.zeros([rows, 1])
    done, lengths, seen = (
        tf.zeros([rows, beams], tf.bool),
        tf.zeros([rows, beams]),
        tf.zeros([rows, beams, SIZE, SIZE]),
    )
    last = tf.reshape(tf.repeat(prompts[:, -1:], beams, 1), [rows, beams])

    def body(k, sequences, scores, done, lengths, last, seen, logits, cache):
        logs = tf.reshape(tf.nn.log_softmax(logits[:, -1]), [rows, beams, SIZE])
        logs -= 1e3 * tf.gather(seen, last, batch_dims=2)
        only_end = tf.one_hot(END, SIZE, 0.0, -1e9)
        logs = tf.where(done[..., None], only_end, logs)
        scores, flat = tf.math.top_k(tf.reshape(scores[..., None] + logs, [rows, -1]), beams)
        parent, token = flat // SIZE, flat % SIZE

        def take(x):
            return tf.gather(x, parent, batch_dims=1)

        previous = take(last)
        used = tf.einsum("rbi,rbj->rbij", tf.one_hot(previous, SIZE), tf.one_hot(token, SIZE))
        sequences = tf.concat([take(sequences), token[..., None]], 2)
        done, lengths = take(done), take(lengths)
        lengths += tf.cast(~done, tf.float32)
        flat_parent = tf.reshape(parent + tf.range(rows)[:, None] * beams, [-1])
        cache = tf.gather(cache, flat_parent, axis=2)
        logits, cache = big(tf.reshape(token, [-1, 1]), cache)
        return (
            k + 1,
            sequences,
            scores,
            done | (token == END),
            lengths,
            token,
            tf.maximum(take(seen), used),
            logits,
            cache,
        )

    state = (0, sequences, scores, done, lengths, last, seen, logits, cache)
    shapes = [[], [None, None, None], [None, None], [None, None], [None, None], [None, None]]
    shapes += [[None, None, SIZE, SIZE], [None, None, SIZE], [2, 2, None, 2, None, 8]]
    state = tf.while_loop(
        lambda k, s, c, done, *rest: (k < LONGEST) & ~tf.reduce_all(done),
        body,
        state,
        shape_invariants=tuple(map(tf.TensorShape, shapes)),
    )
    _, sequences, scores, _, lengths, *_ = state
    return sequences, scores / ((5 + lengths) / 6) ** alpha


@tf.function(input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)])
def verify(tokens, proposed):
    """How many of the last tokens are what the big model would have said, and what it says next."""
    logits, _ = big(tokens[None], big.empty(1))
    says = tf.argmax(logits[0], -1, tf.int32)
    start = tf.size(tokens) - proposed
    agree = tf.cast(tokens[start:] == says[start - 1 : -1], tf.int32)
    count = tf.reduce_sum(tf.math.cumprod(agree))
    return count, says[start - 1 + count]


def speculative(prompt, length, ahead):
    tokens, rounds, accepted = list(prompt), 0, 0
    while len(tokens) < len(prompt) + length:
        draft = list(tokens)
        for _ in range(ahead):
            logits, _ = small(tf.constant([draft]), small.empty(1))
            draft.append(int(tf.argmax(logits[0, -1])))
        count, token = verify(tf.constant(draft, tf.int32), ahead)
        accepted += int(count)
        tokens = draft[: len(tokens) + int(count)] + [int(token)]
        rounds += 1
    return tokens[len(prompt) :][:length], rounds, accepted


for rows, length in ((2, 3), (3, 5), (1, 2), (4, 4)):
    prompts = rng.integers(1, SIZE, (rows, length)).astype("int32")
    tokens = greedy(prompts)
    print("RESULT greedy", tokens.shape, *tokens.numpy().ravel())
    whole, _ = big(prompts, big.empty(rows))
    print("RESULT logits", whole.numpy()[-1, -1, :4])
    for beams in (1, 3):
        sequences, scores = beam_search(tf.constant(prompts), beams, 0.6)
        print("RESULT beams", sequences.shape, *sequences.numpy()[0, 0], *scores.numpy()[0])
    print("RESULT speculative", *speculative(prompts[0].tolist(), 9, 3))
