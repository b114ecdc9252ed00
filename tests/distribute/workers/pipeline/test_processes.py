"""Pipelines in several processes: as one process with the same global batch; failures are named."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.harness.processes import ROOT, launched, lean, needs_mpi, of_ranks

pytestmark = needs_mpi
PROGRAM = Path(__file__).parent / "training.py"
PARTS = (
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "evaluated",
    "predicted",
    "weights",
    "moments",
    "again",
)


@functools.cache
def trained(folder, count, *arguments):
    """{model: result} of each rank of training.py; of one process without a launcher."""
    start = ["launch", "-n", str(count)] if count else ["run"]
    command = [sys.executable, "-m", "penstock", *start, str(PROGRAM), str(folder), *arguments]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=200, env=lean()
    )
    assert done.returncode == 0, done.stderr
    ranks = of_ranks(done) if count else {0: done.stdout.splitlines()}
    return [
        {one.pop("model"): one for one in map(json.loads, ranks[rank])} for rank in sorted(ranks)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pipeline")


def flat(values):
    return np.concatenate([np.ravel(value) for value in values])


def assert_equal(made, expected):
    for part in PARTS:
        np.testing.assert_allclose(flat(made[part]), flat(expected[part]), 2e-4, 2e-5, err_msg=part)


@pytest.mark.parametrize("model", ["perceptron", "residual", "transformer"])
def test_two_stages_train_as_one_process(folder, model):
    (alone,), ranks = trained(folder, 0, "none"), trained(folder, 2)
    assert len(ranks) == 2
    for made in ranks:
        assert_equal(made[model], alone[model])
    for part in ("bytes", "slots"):  # optimizers have two numbers that all processes hold
        held = [made[model][part] for made in ranks]
        assert alone[model][part] <= sum(held) <= alone[model][part] + 16
        assert max(held) < 0.75 * alone[model][part]


def test_replicas_of_two_stages_train_as_one_process(folder):
    (alone,), ranks = trained(folder, 0, "none"), trained(folder, 4, "GPipe", "2", "transformer")
    assert len(ranks) == 4
    for made in ranks:
        assert_equal(made["transformer"], alone["transformer"])


def test_what_was_saved_is_whole(folder):
    expected = trained(folder, 2)[0]["transformer"]
    program = f"""
        import json, keras, numpy as np, tensorflow as tf
        words = np.random.default_rng(1)
        model = keras.saving.load_model({str(folder / "transformer-2-0.keras")!r})
        def told():
            return [w.ravel()[:3].tolist() + [float(np.abs(w).sum())] for w in model.get_weights()]
        print(json.dumps(told()))
        print(json.dumps([float(np.abs(v.numpy()).sum()) for v in model.optimizer.variables]))
        for weight in model.weights:
            weight.assign(weight * 0 - 1)
        tf.train.Checkpoint(model=model).read({str(folder / "transformer-2-0.checkpoint")!r}).assert_existing_objects_matched()
        print(json.dumps(told()))
    """
    script = folder / "load.py"
    script.write_text("\n".join(line[8:] for line in program.splitlines()))
    command = [sys.executable, "-m", "penstock", "run", str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    weights, moments, restored = map(json.loads, done.stdout.splitlines())
    for found, part in ((weights, "weights"), (moments, "moments"), (restored, "weights")):
        np.testing.assert_allclose(flat(found), flat(expected[part]), 1e-6, err_msg=part)


def test_a_stage_that_fails_is_named_and_the_next_step_goes_on(tmp_path):
    program = """
    import numpy as np, penstock as tf

    strategy = tf.distribute.experimental.PipelineStrategy(micro_batches=4)
    factors = [tf.Variable(2.0) for _ in range(3)]
    tables = [lambda x: x, lambda x: x + 0 * tf.gather(tf.eye(3), tf.cast(2 * x[:, 0], tf.int32)), lambda x: x]

    def stage(number):
        return lambda x: tf.sin(factors[number] * tables[number](x))

    pipeline = strategy.pipeline([stage(n) for n in range(3)], lambda y, given: tf.reduce_mean(given * y))

    def said(x):
        x = np.array(x, np.float32)[:, None]
        try:
            loss, pairs = pipeline.gradients(x, x)
            return [float(loss), pipeline.most_held, float(pairs[0][0])]
        except tf.errors.OpError as error:
            return [isinstance(error, tf.errors.AbortedError), str(error).splitlines()[0]]

    for x in ([1, 0.5, 0.5, 1], [1, 0.5, 9, 1], [1, 0.5, 0.5, 1]):
        print(said(x))
    """
    found = {
        rank: list(map(eval, lines))
        for rank, lines in of_ranks(launched(program, tmp_path, 3)).items()
    }
    for rank, (good, bad, again) in found.items():
        assert good == again and good[1] == 3 - rank and good[0] == found[0][0][0]
        if rank != 1:
            assert bad[0] and bad[1].startswith(
                "Rank 1 of 3 has failed in step 2 of a pipeline: InvalidArg"
            )
        else:
            assert not bad[0] and "is not in [0, 3)" in bad[1]


def test_a_stage_that_is_killed_is_named(tmp_path):
    program = """
    import os, signal
    import numpy as np, penstock as tf

    strategy = tf.distribute.experimental.PipelineStrategy()
    factors = [tf.Variable(2.0), tf.Variable(3.0)]
    stages = [lambda x: x * factors[0], lambda x: x * factors[1]]
    pipeline = strategy.pipeline(stages, lambda y, given: tf.reduce_mean(given))
    for step in range(1000):
        if step == 20 and strategy.stage == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        pipeline.gradients(np.ones([8, 2], np.float32))
    """
    done = launched(program, tmp_path, 2, check=False)
    assert done.returncode != 0
    assert "rank 1 of 2" in done.stderr and "SIGKILL" in done.stderr.splitlines()[-1]
