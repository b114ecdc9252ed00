"""Flags that change code or plans are in their names: no name has two texts, and no kept plan is of other flags."""

import hashlib
import json

import numpy as np
import pytest

import penstock as tf
from penstock._src.compiler.blocks import block
from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.devices.cpu import device, kept_plans
from penstock._src.devices.cpu.packed_plans import plans_are_usable
from penstock._src.native import NamedCode, kernels, pool
from penstock._src.util.flags import OPTIONAL, TABLE, override

# Flags with which no plan is kept or taken, each with a value of its own.
WITHOUT_PLANS = {
    "check": 1, "checked": 1, "debug": 1, "device": "reference", "disable": "winograd", "dump": "dump", "guard": 1, "optimize": 0,
    "tuning": "tuning.json", "verify": 1,
}  # fmt: skip
# Flags of the process, whose values a plan's name has: see `_state`.
IN_NAMES = {"cpu", "threads"}
# Flags on which neither code nor plans of one process on the CPU depend.
WITHOUT_EFFECT = {
    "allow": "none", "cache_dir": None, "cache_key": None, "cluster_key": "secret", "compress_sums": "bfloat16",
    "elastic_address": "", "elastic_worker": 3, "emulated_capability": "9.0", "emulated_gpus": 2, "heartbeat": 9.0, "load_seconds": 60.0,
    "memory_limit": "8GB", "pjrt_plugin": "none.so", "progress": 0, "tensor_float_32": 0, "transport": "grpc", "trusted_keys": "keys",
}  # fmt: skip
# No earlier run has kept programs of these graphs.
UNIQUE = float(np.random.default_rng().uniform(1, 2))
X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6)


def test_each_flag_is_in_names_or_without_effect():
    assert {*WITHOUT_PLANS, *IN_NAMES, *WITHOUT_EFFECT} == set(TABLE)


def compute():
    """Traces and runs functions with many kinds of kernels."""
    weights = tf.Variable(np.ones((6, 5), np.float32))

    def step(x):
        with tf.GradientTape() as tape:
            y = tf.nn.softmax(tf.sort(x @ weights, 1)) * UNIQUE
            loss = tf.reduce_sum(tf.math.cumsum(y) * tf.nn.relu(y - 0.1))
        weights.assign_sub(0.1 * tape.gradient(loss, weights))
        return loss

    def pictures(x):
        image = tf.reshape(x, [1, 4, 6, 1])
        return tf.nn.conv2d(image, tf.ones([3, 3, 1, 2]), 1, "SAME") * UNIQUE

    def moved(x):
        y = tf.gather(tf.tanh(x), [0, 3, 1]) * UNIQUE
        y = tf.tensor_scatter_nd_add(y, [[0], [0]], x[:2])
        return tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y @ tf.ones([6, 6])), (0, y))

    for body in (step, pictures, moved):
        tf.function(body, input_signature=[tf.TensorSpec([None, 6])], autograph=False)(X)


@pytest.fixture
def texts(monkeypatch, tmp_path):
    """The hashes of the texts of kernels, by the identity of each, and the places of kept plans: they are filled by `compute`."""
    if kernels().cache.folder is None:
        pytest.skip("there is no cache of kernels")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(block, "FEWEST_OPERATIONS", 1)
    monkeypatch.setattr(block.Block, "from_record", lambda *_: None)
    named, places = {}, set()
    name_it, place_of = NamedCode.name_it, kept_plans._place

    def noted(self, name, cache, identity="", pack=None):
        name_it(self, name, cache, identity, pack)
        if identity:
            text = hashlib.sha256(self.written.text.encode()).hexdigest()
            named.setdefault(identity, set()).add(text)

    def placed(section, key):
        place = place_of(section, key)
        places.update({place} - {None})
        return place

    monkeypatch.setattr(NamedCode, "name_it", noted)
    monkeypatch.setattr(kept_plans, "_place", placed)
    monkeypatch.setattr(device, "generator_for", CpuGenerator)  # one that has written nothing yet
    return named, places


def plans_of(place):
    """The different plans that are kept at a place: a function's name has the number of its trace."""
    entries = json.loads(kernels().cache.read(place))
    records = [json.loads(entry["record"]) | {"name": ""} for entry in entries]
    return {json.dumps(record, sort_keys=True) for record in records}


def test_equal_names_have_equal_texts_whatever_the_flags(texts):
    named, places = texts
    with override(verify=0):
        compute()
        kernels_by_default, plans_by_default = len(named), len(places)
        assert kernels_by_default > 5 and plans_by_default == 2
        with override(
            **{name: value for name, value in WITHOUT_EFFECT.items() if value is not None}
        ):
            assert plans_are_usable()
            compute()
        assert (len(named), len(places)) == (kernels_by_default, plans_by_default)
        assert all(len(plans_of(place)) == 1 for place in places)
        changes = [{"disable": name} for name in OPTIONAL]
        changes += [{name: value} for name, value in WITHOUT_PLANS.items() if name != "disable"]
        for change in changes:
            with override(**change):
                assert not plans_are_usable()
                compute()
        assert len(places) == plans_by_default
    assert len(named) > kernels_by_default  # some of these flags change code
    assert all(len(each) == 1 for each in named.values())


def test_another_number_of_threads_is_another_plan(texts):
    _, places = texts
    threads = pool().threads
    with override(verify=0):
        compute()
        before = set(places)
        pool().resize(threads + 1)
        try:
            compute()
        finally:
            pool().resize(threads)
    assert len(places) == 2 * len(before)
