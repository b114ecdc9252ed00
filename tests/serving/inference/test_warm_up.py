"""Versions are run before they answer."""

import dataclasses

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks.block import Block
from penstock._src.core.errors import DataLossError, InvalidArgumentError
from penstock._src.serving.batching.parameters import BatchingParameters
from penstock._src.serving.batching.scheduler import Scheduler
from penstock._src.serving.inference import warm_up as warm_ups
from penstock._src.serving.inference.trial import run_as_served
from penstock._src.serving.inference.warm_up import warm_up
from penstock._src.serving.models.version import ModelVersion
from penstock._src.serving.protos.logs import PredictionLog
from penstock._src.serving.servables.formats.table import load
from penstock._src.serving.servables.servable import Servable
from tests.serving.kit import HalfPlusTwo, example, save, save_half_plus_two_of_v1


class Recorder:
    """Runs a signature, and records the shapes of what it gets."""

    def __init__(self, signature):
        self.signature, self.calls = signature, []

    def __call__(self, arrays):
        self.calls.append([array.shape for array in arrays])
        return self.signature.run(arrays)


@pytest.fixture
def version():
    """`version(folder)` is a loaded version with recorders in place of its functions."""
    scheduler = Scheduler(1)

    def make(folder):
        servable = load(folder)
        signatures = {}
        for name, s in servable.signatures.items():
            run = Recorder(s)
            signatures[name] = dataclasses.replace(s, run=run)
        servable = Servable(folder, "", signatures, servable.signature_defs, servable.held)
        return ModelVersion("m", 1, servable, scheduler, BatchingParameters(max_batch_size=4))

    yield make
    scheduler.close()


def write(folder, logs):
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log if isinstance(log, bytes) else log.SerializeToString())


class Split(tf.Module):
    """Its second half waits for the host, which computes between both."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def __call__(self, x):
        texts = tf.strings.as_string(2.0 * x)
        return tf.strings.to_number(texts) + 1.0


def test_programs_of_all_sizes_are_made_and_the_first_is_run(version, tmp_path):
    made = version(save(HalfPlusTwo(), tmp_path))
    warm_up(made, 1 << 20)
    signature = made.queues["serving_default"].signature
    assert signature.run.calls == [[(1,)]]
    lowered = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Block, "missing", lambda *given: lowered.append(given))
        results = [signature.run([np.ones(size, np.float32)])[0] for size in (1, 2, 3, 4)]
    assert not lowered and [r.tolist() for r in results] == [[2.5] * n for n in (1, 2, 3, 4)]


def test_all_sizes_are_run_where_programs_are_made_by_running(version, tmp_path):
    made = version(save(Split(), tmp_path))
    warm_up(made, 1 << 20)
    calls = made.queues["serving_default"].signature.run.calls
    assert calls == [[(1,)], [(2,)], [(3,)], [(4,)]]


def test_a_pack_has_all_sizes_however_slow_its_machine_is(monkeypatch, tmp_path):
    monkeypatch.setattr(warm_ups, "_SECONDS", 0.0)
    sizes = []
    monkeypatch.setattr(warm_ups, "_prepared", lambda _, rows: sizes.append(len(rows[0])) or True)
    run_as_served(save(HalfPlusTwo(), tmp_path))
    assert sizes == [*BatchingParameters().sizes[1:]]


def test_recorded_requests_are_run(version, tmp_path):
    save_half_plus_two_of_v1(tmp_path / "1")
    predict, classify, several = PredictionLog(), PredictionLog(), PredictionLog()
    request = predict.predict_log.request
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.float32([[1], [2], [3]])))
    request = classify.classify_log.request
    request.model_spec.signature_name = "classify_x_to_y"
    request.input.example_list.examples.append(example(x=1.0))
    request = several.multi_inference_log.request
    request.input.example_list.examples.append(example(x=1.0))
    task = request.tasks.add(method_name="tensorflow/serving/regress")
    task.model_spec.signature_name = "regress_x_to_y"
    write(tmp_path / "1", [predict, classify, several])
    made = version(str(tmp_path / "1"))
    warm_up(made, 1 << 20)
    calls = {name: queue.signature.run.calls for name, queue in made.queues.items()}
    sizes = [[(1,)], [(2,)], [(3,)], [(4,)]]
    assert calls["serving_default"] == [[(3, 1)], [(1, 1)]]
    assert calls["classify_x_to_y"] == calls["regress_x_to_y"] == [[(1,)], *sizes]
    assert calls["classify_labels"] == []


def test_requests_that_fail_are_told(version, tmp_path):
    save(HalfPlusTwo(), tmp_path)
    log = PredictionLog()
    log.predict_log.request.inputs["y"].CopyFrom(tf.make_tensor_proto(np.float32([1])))
    write(tmp_path, [log])
    with pytest.raises(InvalidArgumentError, match="takes"):
        warm_up(version(str(tmp_path)), 1 << 20)
    write(tmp_path, [b"\xff\xff"])
    with pytest.raises(DataLossError, match="record 0 is not a PredictionLog"):
        warm_up(version(str(tmp_path)), 1 << 20)
