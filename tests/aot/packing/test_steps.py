"""Models with operations on the host are not lowered from a pack either: their steps are in it."""

import gc
import json
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.packing import pack_saved_model, recorder
from penstock._src.compiler.stages import STATISTICS
from penstock._src.native import pool
from penstock._src.native.cache.packs import packs_in_use
from penstock._src.native.cache.packs.trust import key_of, trust
from penstock._src.native.target import levels_of_host
from penstock._src.runtime.packed.steps import steps_of, text_of_steps
from penstock._src.util.flags import override

from .kit import Machine, maker, save_text_classifier
from .test_plans import damage

pytestmark = pytest.mark.skipif(
    not levels_of_host(), reason="packs are for Linux, x86-64-v2 on or aarch64"
)
TEXTS = ["some words", "other", "words of a longer text and more words"]


class Words(tf.Module):
    """Rows of a table at the numbers of words, and sums of those of known words."""

    def __init__(self):
        super().__init__()
        self.table = tf.Variable(tf.reshape(tf.range(80.0), [20, 4]))
        self.numbers = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(["one", "two", "many"], tf.constant([1, 2, 20])), 0
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, words):
        numbers = self.numbers.lookup(tf.strings.lower(words))
        rows = tf.exp(tf.gather(self.table, numbers) / 10.0)
        kept = tf.boolean_mask(rows, numbers > 0)
        return {"rows": rows, "sums": tf.reduce_sum(kept, 0), "upper": tf.strings.upper(words)}


def pack(folder, keys, samples=None):
    levels = levels_of_host()[:1]
    pack_saved_model(folder, keys[0], targets=levels, threads=[pool().threads], samples=samples)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return maker(tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="module")
def models(tmp_path_factory, keys):
    """The folders of two packed models."""
    folder = tmp_path_factory.mktemp("models")
    model = Words()
    tf.saved_model.save(model, str(folder / "words"), signatures=model.__call__)
    save_text_classifier(folder / "texts")
    words = {"words": np.array(["One", "two", "none"])}
    for name, samples in (("words", words), ("texts", {"text": np.array(TEXTS)})):
        pack(folder / name, keys, samples)
    return folder


@pytest.fixture(autouse=True)
def trusting(tmp_path, keys):
    with override(trusted_keys=str(tmp_path / "trusted"), verify=0):  # what is verified is lowered
        trust(key_of(keys[1].read_text()))
        yield


@pytest.fixture(scope="module")
def signature_of():
    """Returns the signature of a model, which is kept: where one ends, its tables are freed by functions that are lowered."""
    kept = []

    def signature(folder):
        gc.collect()  # what other tests have left
        kept.append(tf.saved_model.load(str(folder)))
        return kept[-1].signatures["serving_default"]

    return signature


def test_a_model_of_texts_is_neither_lowered_nor_planned(models, signature_of, monkeypatch):
    function = signature_of(models / "texts")

    def scores(function):
        (name,) = function.structured_outputs
        batches = (1, 2, 3, 2)
        return [function(text=tf.constant(TEXTS[:n]))[name].numpy() for n in batches]

    before = STATISTICS.functions
    planned = scores(function)
    assert STATISTICS.functions == before
    monkeypatch.setattr("penstock._src.compiler.blocks.block.above", lambda name: lambda *_: [])
    for ours, theirs in zip(planned, scores(signature_of(models / "texts")), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert STATISTICS.functions > before


LOADED = """
import sys
import penstock as tf
function = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
function(text=tf.constant(["some words"]))
print([name for name in sys.modules if name.startswith("penstock._src.compiler.lower")])
"""


def test_a_process_that_has_the_steps_does_not_import_the_compiler(models, keys, tmp_path):
    machine = Machine(tmp_path / "second", [keys[1]])
    command = [sys.executable, "-c", LOADED, str(models / "texts")]
    done = subprocess.run(command, env=machine.environment, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_parts_of_an_argument_are_views_in_packs_too(keys, signature_of, tmp_path):
    shape = [4, 64, 128]

    @tf.function(input_signature=[tf.TensorSpec(shape, name="x")])
    def parts(x):
        return {"later": x[1:], "sum": tf.reduce_sum(x)}

    module = tf.Module()
    module.parts = parts
    tf.saved_model.save(module, str(tmp_path / "parts"), signatures=parts)
    pack(tmp_path / "parts", keys, {"x": np.zeros(shape, np.float32)})
    x, before = tf.random.uniform(shape), STATISTICS.functions
    found = signature_of(tmp_path / "parts")(x=x)
    assert STATISTICS.functions == before
    assert np.shares_memory(found["later"].__array__(copy=False), x.__array__(copy=False))
    np.testing.assert_array_equal(found["later"], x.numpy()[1:])
    np.testing.assert_allclose(found["sum"], x.numpy().sum(), rtol=1e-5)


def test_an_error_of_a_program_between_steps_is_that_of_the_lowered_one(models, signature_of):
    function, own = signature_of(models / "words"), Words()
    words = tf.constant(["Two", "one", "none", "TWO"])
    before = STATISTICS.functions
    ours = function(words=words)
    assert STATISTICS.functions == before
    for name, value in own(words).items():
        np.testing.assert_array_equal(ours[name], value)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 20 is not in"):
        function(words=tf.constant(["one", "many"]))
    np.testing.assert_array_equal(function(words=words)["rows"], ours["rows"])


def test_threads_that_call_a_packed_model_first_agree(models, signature_of):
    function, together = signature_of(models / "words"), threading.Barrier(8)
    words = tf.constant(["Two", "one", "none", "TWO"])

    def call(number):
        together.wait()
        if number % 4 == 3:  # its error is that of the lowered block
            with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = 20"):
                function(words=tf.constant(["one", "many"]))
        return function(words=words)["sums"].numpy().tobytes()

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(call, range(8)))) == 1


def test_steps_of_a_pack_can_be_explained(models, signature_of):
    function = signature_of(models / "texts")
    function(text=tf.constant(TEXTS))
    report = str(function.explain())
    assert "StringLower" in report and "gemm" in report


def test_steps_that_are_none_are_left_out_and_the_model_runs(
    models, signature_of, keys, tmp_path, monkeypatch, caplog
):
    save_text_classifier(tmp_path / "model")
    monkeypatch.setattr(
        recorder, "text_of_steps", lambda record: text_of_steps(record).replace(b'"op":"', b'"op":"no/')
    )  # fmt: skip
    pack(tmp_path / "model", keys)
    before = STATISTICS.functions
    function = signature_of(tmp_path / "model")
    function(text=tf.constant(TEXTS))
    assert STATISTICS.functions > before and "A plan of the pack" in caplog.text


def test_damaged_steps_are_refused_or_stay_within_their_bounds(models, signature_of):
    signature_of(models / "texts")
    found = next(pack for pack in packs_in_use() if pack.origin.startswith(str(models / "texts")))
    places = [place for place in found.manifest.plans if place.startswith("steps ")]
    texts = [text for place in places for text in found.plans(place)]
    assert texts and all(text_of_steps(steps_of(t, found.objects)) == t for t in texts)
    draw, refused = random.Random(5), 0
    for _ in range(600):
        content = json.loads(draw.choice(texts))
        damage(content, draw)
        try:
            record = steps_of(json.dumps(content).encode(), found.objects)
        except (ValueError, KeyError, TypeError, AttributeError):
            refused += 1
            continue
        slots = len(record.steps.slots)
        for step in record.steps.steps:
            assert all(0 <= slot < slots for slot in step.reads)
    assert refused > 150
