"""python -m tests.interop.ray.training: workers of Ray Train on a Ray of this machine. Run by a Python that has `penstock-tensors[cluster]` and `ray[train,tune]`."""

import os
import signal
import sys
import tempfile

import ray
from ray import train, tune
from ray.tune.integration.ray_train import TuneReportCallback

import penstock as tf

STEPS = 6
SCALING = train.ScalingConfig(num_workers=2, resources_per_worker={"CPU": 1})


def loop(config):
    """Trains one number; each worker's gradient is its rank + 1. Worker 1 dies once, if it is told where to note that."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    rank = strategy.cluster_resolver.task_id
    with strategy.scope():
        weight = tf.Variable(1.0)
        done = tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(weight=weight, done=done)
    restored = tf.distribute.ray.restore(checkpoint)

    @tf.function
    def step():
        def replica():
            context = tf.distribute.get_replica_context()
            weight.assign_sub(config["rate"] * context.all_reduce("SUM", weight * (rank + 1.0)))
            done.assign_add(1)

        strategy.run(replica)

    while int(done) < STEPS:
        step()
        tf.distribute.ray.report({"weight": float(weight), "restored": restored}, checkpoint)
        died = config.get("died")
        if died and rank == 1 and int(done) == 3 and not os.path.exists(died):
            open(died, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)


def expected(rate):
    return (1 - 3 * rate) ** STEPS


def values(folder):
    trainer = tf.distribute.ray.Trainer(
        loop, train_loop_config={"rate": 0.1}, scaling_config=SCALING,
        run_config=train.RunConfig(storage_path=folder, name="values"),
    )  # fmt: skip
    result = trainer.fit()
    assert abs(result.metrics["weight"] - expected(0.1)) < 1e-6, result.metrics
    assert not result.metrics["restored"]
    weight = tf.Variable(0.0)
    with result.checkpoint.as_directory() as kept:
        tf.train.Checkpoint(weight=weight).read(os.path.join(kept, "checkpoint")).expect_partial()
    assert float(weight) == result.metrics["weight"]
    print("two workers train, and their checkpoint loads")


def killed(folder):
    failures = train.FailureConfig(max_failures=1)
    trainer = tf.distribute.ray.Trainer(
        loop, train_loop_config={"rate": 0.1, "died": os.path.join(folder, "died")}, scaling_config=SCALING,
        run_config=train.RunConfig(storage_path=folder, name="killed", failure_config=failures),
    )  # fmt: skip
    result = trainer.fit()
    assert os.path.exists(os.path.join(folder, "died"))
    assert result.metrics["restored"], result.metrics
    assert abs(result.metrics["weight"] - expected(0.1)) < 1e-6, result.metrics
    print("a killed worker: all are started again and go on from the last checkpoint")


def tuned(folder):
    def trial(config):
        tf.distribute.ray.Trainer(
            loop, train_loop_config=config, scaling_config=SCALING,
            run_config=train.RunConfig(
                storage_path=folder, name=f"trial-{config['rate']}", callbacks=[TuneReportCallback()]
            ),
        ).fit()  # fmt: skip

    tuner = tune.Tuner(
        trial,
        param_space={"rate": tune.grid_search([0.01, 0.2])},
        tune_config=tune.TuneConfig(metric="weight", mode="min", max_concurrent_trials=1),
        run_config=tune.RunConfig(storage_path=folder, name="tuned"),
    )
    best = tuner.fit().get_best_result()
    assert best.config["rate"] == 0.2 and abs(best.metrics["weight"] - expected(0.2)) < 1e-6
    print("Tune finds the better of two rates")


def main():
    cases = {"values": values, "killed": killed, "tuned": tuned}
    ray.init(num_cpus=3, include_dashboard=False)  # of two workers, and of a trial that starts them
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or cases:
            cases[name](folder)
    ray.shutdown()


if __name__ == "__main__":
    main()
