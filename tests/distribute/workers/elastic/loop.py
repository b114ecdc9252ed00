"""loop.py WHAT: a loop of one's own, otherwise as training.py; `kill` is {step: rank}."""

import json
import os
import signal
import sys

import penstock as tf

WHAT = json.loads(sys.argv[1])
strategy = tf.distribute.MultiWorkerMirroredStrategy()
with strategy.scope():
    weight = tf.Variable(1.0)
dataset = strategy.experimental_distribute_dataset(tf.data.Dataset.range(1, 100).batch(6))


def die(number):
    if WHAT["kill"].get(str(int(number))) == strategy.extended._cluster.rank and not os.path.exists(
        f"{WHAT['folder']}/{int(number)}"
    ):
        open(f"{WHAT['folder']}/{int(number)}", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)


def replica(values):
    total = tf.reduce_sum(tf.cast(values, tf.float32))
    weight.assign_add(1.0)  # taken back where the step fails
    with tf.control_dependencies([tf.py_function(die, [values[0] // 6 + 1], [])]):
        total = tf.identity(total)
    total = tf.distribute.get_replica_context().all_reduce("SUM", total)
    weight.assign_add(total)
    return total


def step(iterator):
    return strategy.reduce("MEAN", strategy.run(replica, args=(next(iterator),)), axis=None)


loop, iterator = tf.distribute.experimental.ElasticLoop(strategy, step), iter(dataset)
while loop.steps < WHAT["steps"]:
    total = loop(iterator)
    print(json.dumps([loop.steps, strategy.num_replicas_in_sync, float(total)]), flush=True)
print(json.dumps({"weight": float(weight)}), flush=True)
