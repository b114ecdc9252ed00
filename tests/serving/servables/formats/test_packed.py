"""A packed SavedModel answers requests before its graph is imported, as it does afterwards."""

import contextlib

import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.packing import pack_saved_model
from penstock._src.ir.meaning.rows import MixedRows
from penstock._src.native import pool
from penstock._src.native.cache.packs.trust import key_of, trust
from penstock._src.native.target import levels_of_host
from penstock._src.saving.saved_model.files import pack_in
from penstock._src.serving.servables.formats.table import load
from penstock._src.util import slots
from penstock._src.util.flags import override
from tests.aot.packing.kit import maker

pytestmark = pytest.mark.skipif(
    not levels_of_host(), reason="packs are for Linux, x86-64-v2 on or aarch64"
)
FACTS = ("name", "method_name", "inputs", "outputs", "refusal", "changes_state", "is_steady")


class Net(tf.Module):
    """Two inputs and two results, none in the order of the alphabet."""

    def __init__(self, loops):
        super().__init__()
        self.loops, self.weights = loops, tf.Variable(tf.reshape(tf.range(32.0), [8, 4]) / 30.0)

    @tf.function(
        input_signature=[tf.TensorSpec([None, 8], name="x"), tf.TensorSpec([None, 4], name="bias")]
    )
    def __call__(self, x, bias):
        y = x @ self.weights + bias
        if self.loops:
            (y,) = tf.while_loop(lambda y: tf.reduce_max(y) > 1.0, lambda y: (y / 2.0,), [y])
        return {"scores": tf.nn.softmax(y), "logits": y}


@pytest.fixture(params=[False, True], ids=["steady", "loop"])
def signatures(request, tmp_path, monkeypatch):
    """The signature as the pack has it, and as the imported graph has it, with the first one's function."""
    monkeypatch.setattr(
        slots, "RUN_FUNCTION", None
    )  # other tests use devices, which take all calls
    model, (secret, public) = Net(request.param), maker(tmp_path)
    folder = str(tmp_path / "model")
    tf.saved_model.save(model, folder, signatures=model.__call__)
    pack_saved_model(folder, secret, targets=levels_of_host()[:1], threads=[pool().threads])
    with override(trusted_keys=str(tmp_path / "trusted"), verify=0):  # what is verified is lowered
        plain = load(folder)  # of an unknown maker
        trust(key_of(public.read_text()))
        assert pack_in(folder) is not None
        packed = load(folder)
        function = packed.held.signatures["serving_default"]
        yield (
            packed.signatures["serving_default"],
            plain.signatures["serving_default"],
            lambda: "_make" not in function.__dict__,
        )


def arrays(signature, rows):
    numbers = np.random.default_rng(rows)
    return [
        numbers.normal(size=(rows, *info.shape[1:])).astype("f")
        for info in signature.inputs.values()
    ]


def test_a_packed_signature_is_that_of_the_graph(signatures):
    packed, plain, is_imported = signatures
    assert [getattr(packed, name) for name in FACTS] == [getattr(plain, name) for name in FACTS]
    assert list(packed.inputs) == list(plain.inputs) and packed.is_batched == plain.is_batched
    assert packed.prepare(arrays(packed, 2)) and not is_imported()
    for rows in (1, 2, 5):
        values = dict(zip(packed.outputs, packed.run(arrays(packed, rows)), strict=True))
        wanted = dict(zip(plain.outputs, plain.run(arrays(plain, rows)), strict=True))
        for name, value in values.items():
            np.testing.assert_array_equal(value, wanted[name])
    assert not is_imported()


def test_a_proof_imports_the_graph_which_then_runs(signatures):
    packed, plain, is_imported = signatures
    before = packed.run(arrays(packed, 3))
    assert not is_imported()
    with contextlib.suppress(MixedRows):
        assert packed.prove(((4,), (8,)), 8)(((4,), (8,)))
    assert is_imported()
    for value, again in zip(before, packed.run(arrays(packed, 3)), strict=True):
        np.testing.assert_array_equal(value, again)
