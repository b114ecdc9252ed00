"""The training steps of the five models of bench/: native whole, and ready for any batch size."""

import importlib.util
from pathlib import Path

import keras
import pytest

import penstock as tf
from tests.keras import compiled

PATH = Path(__file__).resolve().parents[2] / "bench" / "zoo.py"
SPEC = importlib.util.spec_from_file_location("bench_models", PATH)
models = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(models)


FIVE = ["mlp", "convolutional", "residual", "recurrent", "transformer"]


@pytest.mark.parametrize("name", FIVE)
def test_training_step_is_one_program_for_any_batch_size(name, random):
    model, x, y, _ = models.MODELS[name](keras, random)

    def train(batch, steps):
        count = batch * steps
        data = tf.data.Dataset.from_tensor_slices((x[:count], y[:count])).batch(batch)
        return model.fit(data, shuffle=False, verbose=0).history["loss"][0]

    first = train(16, 2)
    step = model.train_function
    assert compiled.host_types(step) <= compiled.OF_THE_ITERATOR
    assert not compiled.interpreted(step)
    assert len(compiled.programs(step)) == 1

    kernels, programs = compiled.counts()
    train(12, 2)
    assert compiled.counts()[0] == kernels, "another batch size compiled kernels"
    assert compiled.counts()[1] > programs, "another batch size must be planned"
    assert train(16, 2) < first * 1.2
