"""Many threads that trace, call, load and train with the same objects at once.

python -m tests.soak.threads --seconds 300
"""

import argparse
import faulthandler
import logging
import random
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable

import numpy as np

import penstock as tf
import penstock.compat.v1 as tf1

THREADS = 16
PATIENCE = 60  # seconds after which threads that have not ended are stuck


class _Model(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(tf.ones([4, 4]))

    @tf.function(input_signature=[tf.TensorSpec([None, 4])])
    def predict(self, x: tf.Tensor) -> tf.Tensor:
        return x @ self.weights


class Shared:
    """What all threads use, and a method for each thing that they do; each checks its result."""

    def __init__(self) -> None:
        self.weights, self.count = tf.Variable(tf.ones([16, 16])), tf.Variable(0, dtype=tf.int64)
        self.folder = tempfile.mkdtemp()
        tf.saved_model.save(_Model(), self.folder)
        self.model = tf.saved_model.load(self.folder)
        self.table = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, -1, -1, -2)
        with tf1.Graph().as_default():
            self.x = tf1.placeholder(tf1.float32, [None, 4])
            weights = tf1.get_variable("w", [4, 4], initializer=tf1.ones_initializer())
            self.y, self.session = tf1.matmul(self.x, weights), tf1.Session()
            self.session.run(tf1.global_variables_initializer())
        self.counted, self.lock = 0, threading.Lock()

        @tf.function
        def product(x: tf.Tensor) -> tf.Tensor:
            return tf.nn.relu(x @ self.weights)

        @tf.function
        def scaled(x: tf.Tensor, k: float) -> tf.Tensor:
            return tf.reduce_sum(x * k)

        @tf.function
        def triangle(n: tf.Tensor) -> tf.Tensor:
            total = tf.constant(0)
            for i in tf.range(n):
                total += i
            return total

        @tf.function
        def add_one() -> None:
            self.count.assign_add(1)

        self.product, self.scaled, self.triangle, self.add_one = product, scaled, triangle, add_one
        self.work: list[Callable[[random.Random], bool]] = [
            getattr(self, name) for name in sorted(dir(self)) if name.startswith("do_")
        ]

    def do_call(self, draw: random.Random) -> bool:
        return bool((self.product(tf.ones([draw.randrange(1, 6), 16])).numpy() == 16).all())

    def do_trace(self, draw: random.Random) -> bool:
        k = float(draw.randrange(200))
        return float(self.scaled(tf.ones([3]), k)) == 3 * k

    def do_make_a_function(self, draw: random.Random) -> bool:
        k = float(draw.randrange(50))
        return float(tf.function(lambda x: x * 2.0 + k)(tf.constant(1.0))) == 2 + k

    def do_loop(self, draw: random.Random) -> bool:
        n = draw.randrange(20)
        return int(self.triangle(tf.constant(n))) == n * (n - 1) // 2

    def do_update(self, draw: random.Random) -> bool:
        self.add_one()
        with self.lock:
            self.counted += 1
        return True

    def do_call_the_model(self, draw: random.Random) -> bool:
        return bool((self.model.predict(tf.ones([draw.randrange(1, 4), 4])).numpy() == 4).all())

    def do_load_a_model(self, draw: random.Random) -> bool:
        return bool((tf.saved_model.load(self.folder).predict(tf.ones([2, 4])).numpy() == 4).all())

    def do_run_the_session(self, draw: random.Random) -> bool:
        found = self.session.run(self.y, {self.x: np.ones([draw.randrange(1, 4), 4])})
        return bool((found == 4).all())

    def do_open_a_session(self, draw: random.Random) -> bool:
        with tf1.Graph().as_default(), tf1.Session() as session:
            return session.run(tf1.constant(3) * 4) == 12

    def do_read_a_dataset(self, draw: random.Random) -> bool:
        dataset = tf.data.Dataset.range(50).map(lambda x: x * 2, num_parallel_calls=2)
        return sum(int(tf.reduce_sum(x)) for x in dataset.shuffle(9).batch(7).prefetch(1)) == 2450

    def do_differentiate(self, draw: random.Random) -> bool:
        x = tf.Variable(tf.ones([3]))
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(x * x)
        return bool((tape.gradient(y, x).numpy() == 2).all())

    def do_multiply(self, draw: random.Random) -> bool:
        x = tf.ones([draw.randrange(1, 400)] * 2)
        return float((x @ x)[0, 0]) == x.shape[0]

    def do_insert(self, draw: random.Random) -> bool:
        key = tf.constant([draw.randrange(1000)], tf.int64)
        self.table.insert(key, key)
        return int(self.table.lookup(key)[0]) == int(key[0])

    def do_save(self, draw: random.Random) -> bool:
        value = tf.Variable(draw.random())
        checkpoint = tf.train.Checkpoint(value=value)
        path = checkpoint.write(f"{self.folder}/{threading.get_ident()}")
        before = float(value)
        value.assign(0.0)
        checkpoint.read(path).assert_consumed()
        return float(value) == before

    def do_map(self, draw: random.Random) -> bool:
        return tf.map_fn(lambda x: x * 2, tf.range(4)).numpy().tolist() == [0, 2, 4, 6]


def stress(seconds: float) -> list[str]:
    """Works for some seconds; returns what went wrong."""
    shared, wrong, calls = Shared(), list[str](), [0] * THREADS
    end = time.monotonic() + seconds

    def run(number: int) -> None:
        draw = random.Random(number)
        while time.monotonic() < end:
            work = draw.choice(shared.work)
            try:
                if not work(draw):
                    wrong.append(f"{work.__name__}: a wrong result")
            except Exception:
                wrong.append(f"{work.__name__}: {traceback.format_exc()}")
            calls[number] += 1

    threads = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if int(shared.count) != shared.counted:
        wrong.append(f"do_update: {shared.counted} updates made {int(shared.count)}")
    print(f"{sum(calls)} calls, {len(wrong)} wrong")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    seconds = parser.parse_args().seconds
    faulthandler.enable()
    faulthandler.dump_traceback_later(seconds + PATIENCE, exit=True)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    wrong = stress(seconds)
    print(*wrong[:5], sep="\n", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
