"""Control flow that AutoGraph converts: nested loops, breaks, early returns, TensorArrays, assertions, recursion by stacks."""

import numpy as np
import tensorflow as tf

rng = np.random.default_rng(97)


@tf.function
def collatz(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


print("RESULT collatz", *(int(collatz(tf.constant(n))) for n in (1, 7, 27, 97)))


@tf.function
def primes(limit):
    found = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
    count = 0
    for n in tf.range(2, limit):
        prime = True
        for k in tf.range(2, n):
            if k * k > n:
                break
            if n % k == 0:
                prime = False
                break
        if not prime:
            continue
        found = found.write(count, n)
        count += 1
    return found.stack()


print("RESULT primes", primes(tf.constant(40)).numpy())


@tf.function
def newton(value, tolerance):
    guess = value / 2
    for _ in tf.range(50):
        following = 0.5 * (guess + value / guess)
        if tf.abs(following - guess) < tolerance:
            break
        guess = following
    return guess


print("RESULT newton", float(newton(tf.constant(2.0), 1e-6)), float(newton(tf.constant(10.0), 0.5)))


@tf.function
def grade(score):
    if score > 90:
        return "excellent"
    elif score > 70:
        return "good"
    elif score > 50:
        if score > 60:
            return "fair"
        return "passing"
    else:
        return "poor"


print(
    "RESULT grades", *(grade(tf.constant(score)).numpy().decode() for score in (95, 75, 65, 55, 5))
)


@tf.function
def cell_rule(cells, steps):
    """Conway's game of life."""
    for _ in tf.range(steps):
        around = sum(
            tf.roll(cells, [dy, dx], [0, 1])
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
            if (dy, dx) != (0, 0)
        )
        cells = tf.cast((around == 3) | ((around == 2) & (cells == 1)), tf.int32)
    return cells


cells = tf.constant(rng.integers(0, 2, (12, 12)), tf.int32)
for steps in (1, 5, 9):
    after = cell_rule(cells, tf.constant(steps))
    print("RESULT life", steps, int(tf.reduce_sum(after)), tf.reduce_sum(after, 0).numpy())


@tf.function
def rnn(sequence, lengths, w, u):
    state = tf.zeros([tf.shape(sequence)[0], 3])
    outputs = tf.TensorArray(tf.float32, tf.shape(sequence)[1])
    for t in tf.range(tf.shape(sequence)[1]):
        new = tf.tanh(sequence[:, t] @ w + state @ u)
        state = tf.where((t < lengths)[:, None], new, state)
        outputs = outputs.write(t, state)
    return tf.transpose(outputs.stack(), [1, 0, 2]), state


sequence = tf.constant(rng.normal(size=(4, 6, 2)), tf.float32)
w, u = (
    tf.constant(rng.normal(size=(2, 3)), tf.float32),
    tf.constant(rng.normal(size=(3, 3)), tf.float32),
)
for length in (6, 3, 5):
    with tf.GradientTape() as tape:
        tape.watch([w, u])
        outputs, state = rnn(sequence[:, :length], tf.constant([6, 2, 4, 1]), w, u)
        loss = tf.reduce_sum(outputs**2) + tf.reduce_sum(state)
    gradients = tape.gradient(loss, [w, u])
    print(
        "RESULT rnn",
        length,
        float(loss),
        gradients[0].numpy().ravel(),
        float(tf.norm(gradients[1])),
    )


@tf.function
def sort(values):
    n = tf.size(values)
    for i in tf.range(n):
        for j in tf.range(n - i - 1):
            if values[j] > values[j + 1]:
                swapped = tf.stack([values[j + 1], values[j]])
                values = tf.tensor_scatter_nd_update(values, [[j], [j + 1]], swapped)
    return values


print("RESULT sorted", sort(tf.constant(rng.integers(0, 50, 9))).numpy())


@tf.function
def search(table, wanted):
    low, high, found = 0, tf.size(table), -1
    while low < high:
        middle = (low + high) // 2
        if table[middle] == wanted:
            found = middle
            break
        if table[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return found


table = tf.constant([1, 4, 9, 16, 25, 36])
print("RESULT search", *(int(search(table, tf.constant(k))) for k in (16, 1, 36, 5)))


@tf.function
def halves(x, flag):
    total = tf.constant(0.0)
    for row in x:
        if flag and tf.reduce_sum(row) > 0:
            total += tf.reduce_max(row)
        elif not flag or row[0] < -1:
            total -= 1.0
    tf.debugging.assert_all_finite(total, "finite")
    return total


x = tf.constant(rng.normal(size=(7, 3)), tf.float32)
print(
    "RESULT rows",
    float(halves(x, True)),
    float(halves(x, tf.constant(False))),
    float(halves(x, tf.constant(True))),
)


@tf.function
def fibonacci(n):
    a, b = tf.constant(0, tf.int64), tf.constant(1, tf.int64)
    for _ in tf.range(n):
        a, b = b, a + b
    return a


print("RESULT fibonacci", int(fibonacci(tf.constant(50))), int(fibonacci(tf.constant(0))))
data = tf.data.Dataset.range(10).batch(4)


@tf.function
def over(data):
    total, batches = tf.constant(0, tf.int64), 0
    for batch in data:
        if tf.reduce_sum(batch) > 25:
            break
        total += tf.reduce_sum(batch)
        batches += 1
    return total, batches


print("RESULT dataset", *(int(value) for value in over(data)))
