"""Training with state that is divided among processes: as with state that all hold."""

import json
import textwrap

import pytest

from tests.harness.processes import launched, needs_mpi, of_ranks
from tests.harness.tasks import started

BEGIN = """
    import hashlib, json, sys
    import keras, numpy as np, tensorflow as tf

    x = np.random.default_rng(0).normal(size=[64, 13]).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((x, 2 * x[:, :1])).batch(16)
    sharding = tf.distribute.experimental.ShardingOptions

    def strategy_of(stage):
        return tf.distribute.MultiWorkerMirroredStrategy(sharding_options=sharding(stage=stage, smallest=16))

    def made(strategy, optimizer):
        keras.utils.set_random_seed(1)
        with strategy.scope():
            layers = [keras.layers.Dense(33, "tanh"), keras.layers.BatchNormalization(synchronized=True), keras.layers.Dense(1)]
            model = keras.Sequential([keras.Input([13]), *layers])
            model.compile(optimizer(), "mse")
        return model

    def fitted(model, epochs=1):
        return model.fit(data, epochs=epochs, verbose=0, shuffle=False).history["loss"]

    def held(model):
        slots = [v.value for v in model.optimizer.variables if v.shape.rank]
        return sum(getattr(v, "values", [v])[0].shape.num_elements() for v in slots)

    def digest(arrays):
        return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()

    def adam(**options):
        return lambda: keras.optimizers.Adam(0.01, **options)
"""

TRAINING = """
    optimizers = {
        "accumulated": adam(gradient_accumulation_steps=2),
        "averaged": lambda: keras.optimizers.AdamW(0.01, use_ema=True, ema_overwrite_frequency=3, clipnorm=1.0),
        "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Lion(0.01)),
        "adam": adam(),
    }
    found = {name: [] for name in optimizers}
    launches = []

    def explained(model):
        @tf.function
        def step(x, y):
            return strategy.run(model.train_step, ((x, y),))

        lines = step.explain(x[:8], x[:8, :1]).splitlines()
        return [line.split()[1] for line in lines if "_start[" in line]

    for stage in range(4):
        strategy = strategy_of(stage)
        for name, optimizer in optimizers.items():
            if stage == 1 and name != "adam":
                continue
            model = made(strategy, optimizer)
            losses = fitted(model)
            slots = digest(v.numpy() for v in model.optimizer.variables)
            found[name].append([losses, digest(model.get_weights()), slots, held(model)])
            if stage > 1 and name == "adam":
                launches.append(explained(model))
    print(json.dumps([found, launches]))
"""


@needs_mpi
def test_stages_train_alike_and_hold_less(tmp_path):
    first, second = (
        json.loads(lines[-1])
        for lines in of_ranks(launched(BEGIN + TRAINING, tmp_path, 2)).values()
    )
    for stages in (first[0], second[0]):
        for whole, *divided in stages.values():
            for one in divided:
                assert one[:3] == whole[:3]  # to the bit: sums of two have one order
        # The kernel of 13 x 33 and the 33 of each of its bias, scale, offset and the last kernel, for both moments; not the bias of 1.
        (_, _, _, whole), *divided = stages["adam"]
        assert whole == 2 * (13 * 33 + 4 * 33 + 1)
        for one in divided:
            assert one[3] == 2 * (215 + 4 * 17 + 1)
        assert len(divided) == 3
        assert stages["accumulated"][1][3] - stages["adam"][2][3] == whole / 2
    for name, stages in first[0].items():
        assert [one[:2] for one in stages] == [one[:2] for one in second[0][name]]
    second, third = ([one for one in found if "all_reduce" not in one] for found in first[1])
    assert second == ["reduce_scatter_start[566]", "all_gather_start[283]"]
    # The kernels and what else the forward pass takes; then the two of them that the backward pass multiplies by.
    assert third == ["all_gather_start[283]", "all_gather_start[17]", "reduce_scatter_start[566]"]


CHECKPOINTS = """
    from pathlib import Path

    folder = Path(sys.argv[1])
    strategy = strategy_of(int(sys.argv[2]))
    rank = strategy.cluster_resolver.task_id or 0
    own = folder / ("kept" if rank == 0 else f"{rank}")
    model = made(strategy, adam())
    whole = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    if not (folder / "kept").exists():
        fitted(model)
        whole.save(str(own / "model"))
        model.save(own / "model.keras")
    else:
        model.optimizer.build(model.trainable_variables)
        whole.restore(str(folder / "kept" / "model-1")).assert_consumed()
        with strategy.scope():
            loaded = keras.models.load_model(folder / "kept" / "model.keras")
        assert fitted(loaded) == (losses := fitted(model)) and held(loaded) == held(model)
        print(json.dumps(losses))
    if len(sys.argv) > 3:
        print(json.dumps(fitted(model)))
"""


@needs_mpi
def test_checkpoints_serve_other_stages_and_numbers_of_workers(tmp_path):
    def run(count, *arguments):
        done = launched(BEGIN + CHECKPOINTS, tmp_path, count, arguments=[str(tmp_path), *arguments])
        return [
            json.loads(lines[-1]) for _, lines in sorted(of_ranks(done).items()) if "[" in lines[-1]
        ]

    first, second = run(2, "2", "continue")
    assert first == second
    for count, stage in ((1, "0"), (2, "3")):
        for losses in run(count, stage):
            assert losses == pytest.approx(first, rel=1e-5)


REFUSED = """
    strategy = strategy_of(1)
    for optimizer in (keras.optimizers.Lamb, keras.optimizers.Muon):
        try:
            fitted(made(strategy, lambda: optimizer(0.01)))
        except tf.errors.UnimplementedError as error:
            print(str(error).replace("\\n", " "))
    with strategy.scope():
        words = keras.Sequential([keras.Input([3], dtype="int32"), keras.layers.Embedding(20, 4), keras.layers.Flatten(), keras.layers.Dense(1)])
        words.compile("adam", "mse")
    rows = tf.data.Dataset.from_tensor_slices((np.arange(24).reshape(8, 3) % 20, np.ones([8, 1], "float32"))).batch(4)
    words.fit(rows, verbose=0)
    print([int(np.prod(v.value.values[0].shape)) for v in words.optimizer.variables[2:]])
"""


@needs_mpi
def test_updates_that_mix_elements_are_refused_and_tables_of_embeddings_stay_whole(tmp_path):
    for lines in of_ranks(launched(BEGIN + REFUSED, tmp_path, 2)).values():
        lamb, muon, sizes = lines[-3:]
        assert (
            "dense/kernel" in lamb and "elements depend on each other in the operation Sum" in lamb
        )
        assert "cannot be sharded: Expected gradient or momentum to have at least 2" in muon
        assert sizes == str([80, 80, 12, 12, 1, 1])


def test_workers_that_were_started_one_by_one_divide_state(tmp_path):
    pytest.importorskip("grpc")
    program = (
        textwrap.dedent(BEGIN)
        + "print(json.dumps([fitted(made(strategy_of(s), adam())) for s in (0, 3)]))"
    )
    for worker in started(program, tmp_path, 2):
        output, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors
        whole, divided = json.loads(output.splitlines()[-1])
        assert whole == divided
