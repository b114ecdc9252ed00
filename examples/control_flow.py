"""AutoGraph: Python's if, while and for on tensors become part of the compiled function."""

import tensorflow as tf


@tf.function
def collatz_steps(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@tf.function
def newton_root(x, tolerance=1e-6):
    guess = x
    for _ in tf.range(100):
        next_guess = 0.5 * (guess + x / guess)
        if tf.abs(next_guess - guess) < tolerance:
            break
        guess = next_guess
    return guess


for n in (1, 7, 27, 97):
    print(f"collatz({n}) takes {collatz_steps(tf.constant(n)).numpy()} steps")
assert collatz_steps(tf.constant(27)).numpy() == 111

x = tf.constant(2.0)
with tf.GradientTape() as tape:
    tape.watch(x)
    root = newton_root(x)
print(f"sqrt(2) = {root.numpy():.6f}, derivative {tape.gradient(root, x).numpy():.4f}")
assert abs(root.numpy() - 2**0.5) < 1e-5
