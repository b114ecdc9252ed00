"""A second machine compiles nothing for a packed model, and compiles a model whose pack it may not use."""

import random
import shutil

import numpy as np
import pytest

import penstock as tf
from penstock._src.aot.packing import pack_saved_model
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.native.target import levels_of_host
from penstock._src.saving.saved_model.files import pack_in
from penstock._src.util import flags

from .kit import (
    THREADS,
    Machine,
    Small,
    maker,
    save_kinds,
    save_picture_net,
    save_small,
    save_text_classifier,
)

pytestmark = [
    pytest.mark.timed,
    pytest.mark.skipif(not levels_of_host(), reason="packs are for Linux, x86-64-v2 on or aarch64"),
]
PACK = "assets.extra/penstock.pack"
SAVED = {
    "small": save_small,
    "kinds": save_kinds,
    "pictures": save_picture_net,
    "texts": save_text_classifier,
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return maker(tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory, keys):
    """Returns the folder of a packed model by its name."""
    folders = {}

    def folder(name):
        if name not in folders:
            folders[name] = SAVED[name](tmp_path_factory.mktemp("models") / name)
            report = pack_saved_model(folders[name], keys[0], threads=THREADS)
            assert report.programs and report.objects and not report.left_out
        return folders[name]

    return folder


@pytest.mark.parametrize("name", SAVED)
def test_a_second_machine_compiles_nothing(packed, keys, tmp_path, name):
    model = packed(name)
    result, messages = Machine(tmp_path / "second", [keys[1]]).run(model)
    assert result["compiled"] == 0 and result["packed"] > 3, messages
    unpacked = shutil.copytree(model, tmp_path / "unpacked")
    (unpacked / PACK).unlink()
    compiled, _ = Machine(tmp_path / "third", [keys[1]]).run(unpacked)
    assert compiled["compiled"] > 3 and compiled["packed"] == 0
    for ours, theirs in zip(result["values"], compiled["values"], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SAVED)
def test_a_machine_without_llvm_runs_a_packed_model(packed, keys, tmp_path, name):
    with_llvm, _ = Machine(tmp_path / "with", [keys[1]]).run(packed(name))
    without, messages = Machine(tmp_path / "without", [keys[1]]).run(
        packed(name), without_llvm=True
    )
    assert without is not None, messages
    assert not without["llvm"] and without["compiled"] == 0
    assert without["values"] == with_llvm["values"]


# What traces Python, converts its control flow, differentiates it, lowers graphs and writes code.
UNUSED = (
    "function.autograph.convert", "function.autograph.operators", "function.autograph.builtins",
    "api.control", "autodiff.gradient_tape", "autodiff.loop_gradient", "autodiff.jacobian",
    "compiler.lower", "compiler.recognize", "compiler.fusion", "bridge.keras_modules",
)  # fmt: skip
MOST_MODULES = 345


def test_a_packed_model_imports_no_more_than_it_needs(packed, keys, tmp_path):
    machine = Machine(tmp_path / "second", [keys[1]], verify=0)  # what is verified is lowered
    result, messages = machine.run(packed("pictures"))
    assert result is not None, messages
    modules = [name.removeprefix("penstock._src.") for name in result["modules"]]
    assert [m for m in modules if any(f"{m}.".startswith(f"{u}.") for u in UNUSED)] == []
    assert len(modules) <= MOST_MODULES, len(modules)


@pytest.mark.skipif(levels_of_host() == ("aarch64",), reason="PENSTOCK_CPU names levels of x86-64")
def test_a_machine_of_fewer_features_takes_their_code(packed, keys, tmp_path):
    best, _ = Machine(tmp_path / "best", [keys[1]]).run(packed("kinds"))
    for number, name in enumerate(levels_of_host()):
        machine = Machine(tmp_path / str(number), [keys[1]], cpu=name)
        result, messages = machine.run(packed("kinds"))
        assert result["compiled"] == 0, (name, messages)
        alone, messages = machine.run(packed("kinds"), without_llvm=True)
        assert alone is not None, messages
        assert alone["values"] == result["values"]
        for ours, theirs in zip(result["values"], best["values"], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_machine_of_more_threads_than_packed_says_so_and_compiles(packed, keys, tmp_path):
    machine = Machine(tmp_path / "second", [keys[1]], threads=2 * THREADS[-1])
    result, messages = machine.run(packed("small"))
    assert result["compiled"] > 0 and "at most 4 threads" in messages


def changed(data, at, content):
    return data[:at] + content + data[at + len(content) :]


DAMAGE = {
    "tampered": (lambda data: changed(data, len(data) - 100, b"\xcc" * 16), "is not the one that was signed"),
    "tampered manifest": (lambda data: changed(data, 200, b"X"), "changed"),
    "truncated": (lambda data: data[: len(data) // 2], "truncated"),
    "unsigned": (lambda data: changed(data, 24, bytes(96)), "is not signed"),
    "empty": (lambda data: b"", "is not a pack"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_may_not_be_used_is_compiled_instead(packed, keys, tmp_path, damage):
    model = shutil.copytree(packed("small"), tmp_path / "model")
    change, reason = DAMAGE[damage]
    (model / PACK).write_bytes(change((model / PACK).read_bytes()))
    result, messages = Machine(tmp_path / "second", [keys[1]]).run(model)
    assert result["packed"] == 0 and result["compiled"] > 3
    assert reason in messages and "runs by compiling" in messages
    result, messages = Machine(tmp_path / "third", [keys[1]]).run(model, without_llvm=True)
    assert result is None and reason in messages and "pip install llvmlite" in messages


def test_code_of_an_unknown_maker_does_not_run(packed, tmp_path):
    result, messages = Machine(tmp_path / "second").run(packed("small"))
    assert result["packed"] == 0 and result["compiled"] > 3
    assert "is not trusted (penstock trust" in messages


def test_code_for_other_processors_does_not_run(keys, tmp_path):
    model = save_small(tmp_path / "model")
    other = "x86-64-v2" if levels_of_host() == ("aarch64",) else "aarch64"
    pack_saved_model(model, keys[0], targets=[other], threads=[2])
    result, messages = Machine(tmp_path / "second", [keys[1]]).run(model)
    assert result["packed"] == 0 and result["compiled"] > 3
    assert f"it has code for {other}, and this one runs" in messages


def test_500_damaged_packs_are_refused(packed, keys, tmp_path, caplog):
    model = shutil.copytree(packed("small"), tmp_path / "model")
    good, draw = (model / PACK).read_bytes(), random.Random(11)
    machine = Machine(tmp_path / "second", [keys[1]])
    with flags.override(trusted_keys=machine.environment["PENSTOCK_TRUSTED_KEYS"]):
        assert pack_in(str(model)) is not None
        for case in range(500):
            data = bytearray(good)
            for _ in range(draw.choice((1, 2, 16))):
                data[draw.randrange(len(data))] ^= draw.randrange(1, 256)
            kind = draw.randrange(4)
            if kind == 1:
                del data[draw.randrange(len(data)) :]
            elif kind == 2:
                at = draw.randrange(len(data))
                del data[at : at + draw.randrange(1, 100)]
            elif kind == 3:
                data += draw.randbytes(draw.randrange(1, 100))
            (model / PACK).write_bytes(data)
            caplog.clear()
            assert bytes(data) == good or pack_in(str(model)) is None, case
            assert len(caplog.records) == 1 and "is not used" in caplog.text


def test_a_model_is_packed_as_it_is_saved(keys, tmp_path):
    model = Small()
    options = tf.saved_model.SaveOptions(pack_key=keys[0])
    tf.saved_model.save(model, tmp_path / "model", model.__call__, options)
    result, messages = Machine(tmp_path / "second", [keys[1]]).run(tmp_path / "model")
    assert result["compiled"] == 0 and result["packed"] > 3, messages


def test_packing_again_replaces_the_pack(keys, tmp_path):
    model = save_small(tmp_path / "model")
    sizes = []
    for threads in ([1], [1, 2]):
        pack_saved_model(model, keys[0], targets=["x86-64-v3"], threads=threads, batches=[2])
        sizes.append((model / PACK).stat().st_size)
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"targets": ["x86-64-v5"]}, "x86-64-v5"), ({"threads": [0]}, "at least 1")],
)
def test_what_is_not_known_is_refused(keys, tmp_path, given, reason):
    with pytest.raises(InvalidArgumentError, match=reason):
        pack_saved_model(save_small(tmp_path / "model"), keys[0], **given)
