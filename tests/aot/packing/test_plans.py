"""A process that loads a packed model neither lowers nor plans what the pack has a plan for, and lowers what is another program."""

import json
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.packing import pack_saved_model, recorder
from penstock._src.compiler.stages import STATISTICS
from penstock._src.native import pool
from penstock._src.native.cache.packs import packs_in_use
from penstock._src.native.cache.packs.trust import key_of, trust
from penstock._src.native.target import levels_of_host
from penstock._src.runtime.packed.record import record_of, text_of
from penstock._src.util import slots
from penstock._src.util.flags import override

from .kit import Machine, Small, maker

pytestmark = pytest.mark.skipif(
    not levels_of_host(), reason="packs are for Linux, x86-64-v2 on or aarch64"
)


class Rows(tf.Module):
    """Rows of a table by their numbers, which may be out of range."""

    def __init__(self):
        super().__init__()
        self.table = tf.Variable(tf.reshape(tf.range(80.0), [20, 4]))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def __call__(self, numbers):
        return {"rows": tf.exp(tf.gather(self.table, numbers) / 10.0)}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return maker(tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory, keys):
    """Returns the folder of a packed model of a class."""
    folders = {}

    def folder(kind):
        if kind not in folders:
            folders[kind] = tmp_path_factory.mktemp("models") / kind.__name__
            save(kind, folders[kind], keys)
        return folders[kind]

    return folder


def save(kind, folder, keys):
    model = kind()
    tf.saved_model.save(model, str(folder), signatures=model.__call__)
    pack_saved_model(folder, keys[0], targets=levels_of_host()[:1], threads=[pool().threads])


@pytest.fixture(autouse=True)
def trusting(tmp_path, keys):
    with override(trusted_keys=str(tmp_path / "trusted"), verify=0):  # what is verified is lowered
        trust(key_of(keys[1].read_text()))
        yield


def signature_of(folder):
    return tf.saved_model.load(str(folder)).signatures["serving_default"]


def small_input(batch):
    return np.linspace(-1, 1, batch * 64).reshape(batch, 64).astype("f")


def lowered_by(call):
    """(what a call returns, how many functions were lowered for it)."""
    before = STATISTICS.functions
    return call(), STATISTICS.functions - before


def scores_of(function, batches):
    return [function(x=tf.constant(small_input(n)))["scores"].numpy() for n in batches]


def test_plans_of_a_pack_are_neither_lowered_nor_planned(packed, monkeypatch):
    batches = (1, 2, 3, 8, 100, 1)
    function = signature_of(packed(Small))
    planned, lowered = lowered_by(lambda: scores_of(function, batches))
    assert lowered == 0
    monkeypatch.setattr("penstock._src.compiler.blocks.block.above", lambda name: lambda *_: [])
    again, lowered = lowered_by(lambda: scores_of(signature_of(packed(Small)), batches))
    assert lowered > 0
    for ours, theirs in zip(planned, again, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def is_imported(function):
    return "graph" in vars(function)


def test_calls_that_a_pack_answers_do_not_import_their_function(packed, monkeypatch):
    monkeypatch.setattr(slots, "RUN_FUNCTION", None)  # set where a process has logical CPUs
    function = signature_of(packed(Small))
    assert function.structured_input_signature[1]["x"].shape.as_list() == [None, 64]
    early = scores_of(function, [1, 3, 1])
    by_position = function(tf.constant(small_input(3)))["scores"].numpy()
    assert by_position.tobytes() == early[1].tobytes()
    assert not is_imported(function)
    assert function.graph.inputs  # which imports it
    for ours, theirs in zip(early, scores_of(function, [1, 3, 1]), strict=True):
        assert ours.tobytes() == theirs.tobytes()


def gradient_of(function):
    x = tf.constant(small_input(2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(function(x=x)["scores"] ** 2)
    return tape.gradient(loss, x)


@pytest.mark.parametrize("number", range(3))
def test_calls_of_other_kinds_import_their_function(packed, number):
    own, x = Small(), tf.constant(small_input(2))
    expected = own(x)["scores"]
    calls = [
        lambda function: function(x=small_input(2)),
        lambda function: tf.function(lambda: function(x=x))(),
    ]
    function = signature_of(packed(Small))
    if number == len(calls):
        theirs = gradient_of(lambda x: own(x))
        np.testing.assert_allclose(gradient_of(function), theirs, rtol=1e-4, atol=1e-7)
    else:
        np.testing.assert_allclose(calls[number](function)["scores"], expected, rtol=1e-5)
    assert is_imported(function)


def error_of(function, args, kwargs):
    """The class of the error of a call, None if there is none."""
    try:
        function(*args, **kwargs)
    except (TypeError, ValueError, tf.errors.OpError) as error:
        return type(error)
    return None


def test_wrong_calls_of_a_packed_function_give_the_errors_of_others(packed, tmp_path):
    own = Small()
    tf.saved_model.save(own, str(tmp_path / "plain"), signatures=own.__call__)
    x = tf.constant(small_input(2))
    calls = [
        ((), {}),
        ((), {"y": x}),
        ((), {"x": x, "y": 1}),
        ((), {"x": tf.constant([[1, 2]])}),
        ((), {"x": tf.zeros([2, 63])}),
        ((x,), {"x": x}),
        ((x, x), {}),
        ((tf.zeros([2, 63]),), {}),
        ((tf.constant([[1, 2]]),), {}),
    ]
    folders = packed(Small), tmp_path / "plain"
    for args, kwargs in calls:
        ours, theirs = [error_of(signature_of(folder), args, kwargs) for folder in folders]
        assert theirs is not None and ours == theirs


def test_functions_of_a_file_that_the_maker_has_not_loaded_are_imported_at_once(packed, tmp_path):
    other = shutil.copytree(packed(Small), tmp_path / "other")
    content = bytearray((other / "saved_model.pb").read_bytes())
    (other / "saved_model.pb").write_bytes(content + b"\xf8\x3f\x01")  # an unknown field
    assert is_imported(signature_of(other))


AGAIN = """
import sys
import numpy as np
import penstock as tf
model = tf.saved_model.load(sys.argv[1])
tf.saved_model.save(model, sys.argv[2], signatures=model.signatures)
again = tf.saved_model.load(sys.argv[2]).signatures["serving_default"]
x = tf.ones([2, 64])
np.testing.assert_array_equal(again(x=x)["scores"], model.signatures["serving_default"](x=x)["scores"])
"""


@pytest.mark.timed
def test_a_packed_model_is_saved_again_before_its_functions_are_imported(packed, keys, tmp_path):
    machine = Machine(tmp_path / "second", [keys[1]])
    again = [sys.executable, "-c", AGAIN, str(packed(Small)), str(tmp_path / "again")]
    done = subprocess.run(again, env=machine.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_changed_graph_is_lowered(packed):
    function = signature_of(packed(Small))
    with function.graph.as_default():
        tf.constant(1.0)
    _, lowered = lowered_by(lambda: scores_of(function, [2]))
    assert lowered == 1


def test_sizes_that_were_not_packed_are_lowered(packed):
    function = signature_of(packed(Small))
    (scores,), lowered = lowered_by(lambda: scores_of(function, [0]))
    assert lowered == 1 and scores.shape == (0, 32)
    assert lowered_by(lambda: scores_of(function, [5]))[1] == 0


@pytest.mark.parametrize("flags", [{"disable": "merge"}, {"check": 1}, {"verify": 1}])
def test_flags_of_the_compiler_ask_for_lowering(packed, flags):
    with override(**flags):
        assert lowered_by(lambda: scores_of(signature_of(packed(Small)), [2]))[1] > 0


def test_an_error_is_that_of_the_lowered_program(packed):
    function = signature_of(packed(Rows))
    rows, lowered = lowered_by(lambda: function(numbers=tf.constant([3, 1]))["rows"])
    assert lowered == 0
    np.testing.assert_array_equal(rows, Rows()(tf.constant([3, 1]))["rows"])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"indices\[1\] = 20 is not in \[0, 20\)"
    ):
        function(numbers=tf.constant([3, 20]))
    np.testing.assert_array_equal(rows, function(numbers=tf.constant([3, 1]))["rows"])


def test_a_planned_program_can_be_explained(packed):
    function = signature_of(packed(Small))
    scores_of(function, [2])
    assert "gemm" in str(function.explain())


def test_new_values_of_variables_are_packed_again(packed):
    model = tf.saved_model.load(str(packed(Small)))
    function, x = model.signatures["serving_default"], small_input(4)
    scores_of(function, [4])
    model.weights.assign(model.weights * 0.5)
    own = Small()
    own.weights.assign(own.weights * 0.5)
    np.testing.assert_allclose(function(x=x)["scores"], own(tf.constant(x))["scores"], rtol=1e-5)


def test_a_plan_that_is_none_is_left_out_and_the_model_runs(keys, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(
        recorder, "text_of", lambda record: text_of(record).replace(b'"rows":[[', b'"rows":[[99,')
    )
    save(Small, tmp_path / "model", keys)
    function = signature_of(tmp_path / "model")
    (scores,), lowered = lowered_by(lambda: scores_of(function, [2]))
    assert lowered == 1 and "A plan of the pack" in caplog.text
    np.testing.assert_allclose(scores, Small()(tf.constant(small_input(2)))["scores"], rtol=1e-5)


def test_damaged_records_are_refused_or_stay_within_their_bounds(packed):
    folder = str(packed(Small))
    signature_of(folder)
    pack = next(pack for pack in packs_in_use() if pack.origin.startswith(folder))
    texts = [text for place in pack.manifest.plans for text in pack.plans(place)]
    assert texts and all(text_of(record_of(t, pack.objects)) == t for t in texts)
    draw, refused = random.Random(5), 0
    for _ in range(600):
        content = json.loads(draw.choice(texts))
        damage(content, draw)
        try:
            record = record_of(json.dumps(content).encode(), pack.objects)
        except (ValueError, KeyError, TypeError, AttributeError):
            refused += 1
            continue
        arrays = record.signature.count + len(record.signature.results) + len(record.packers)
        patches = record.words[record.table :]
        assert all(
            0 <= at < record.table for at in [*patches[1::3], *[w for w, *_ in record.launches]]
        )
        assert all(0 <= number < arrays for number in patches[0::3])
        assert all(
            0 <= at < len(record.words) and 0 <= r < len(record.rows) for at, r, _ in record.stores
        )
    assert refused > 200


def damage(content, draw):
    """Changes a number or a text somewhere in a record."""
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        if not keys:
            return
        key = draw.choice(list(keys))
        if isinstance(place[key], dict | list) and place[key] and draw.random() < 0.95:
            place = place[key]
            continue
        place[key] = draw.choice([-1, 1 << 40, 1 << 70, "x", None, [], 3.5])
        return
