"""Facts by LLVM, kept for processes that compile nothing."""

import os
from types import SimpleNamespace

import pytest

from penstock._src.native.llvm import records
from penstock._src.native.llvm.records import recorded
from penstock._src.native.process import processor
from penstock._src.native.target import _by_llvm, host
from penstock._src.util.flags import flags


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Records in an empty cache: a function that returns one, and whether LLVM was asked."""
    monkeypatch.setattr(flags, "cache_dir", str(tmp_path))

    def ask(facts, state=(("lib.so", 1, 2),)):
        calls = []
        monkeypatch.setattr(records, "_state_of_llvm", lambda: state)
        found = recorded("test", facts, lambda: calls.append(1) or ["of", facts])
        return found, bool(calls)

    return ask


def test_a_record_is_kept_for_equal_facts(asked):
    assert asked("a") == (["of", "a"], True) and asked("a") == (["of", "a"], False)
    assert asked("b") == (["of", "b"], True)


def test_another_llvm_is_asked_again(asked):
    asked("a")
    assert asked("a", state=(("lib.so", 1, 3),))[1] and not asked("a")[1]


def test_what_cannot_be_named_is_not_kept(asked):
    assert asked(None)[1] and asked(None)[1]
    assert asked("a", state=None)[1] and asked("a", state=None)[1]


def test_a_damaged_record_is_made_again(asked, tmp_path):
    asked("a")
    (file,) = tmp_path.rglob("*.o")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert asked("a") == (["of", "a"], True)


@pytest.fixture
def llvmlite(tmp_path, monkeypatch):
    """A folder that looks like llvmlite, with sizes and times that stay."""
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(records.importlib.util, "find_spec", lambda name: package)
    (tmp_path / "binding").mkdir()
    with open(tmp_path / "binding" / "libllvmlite.so", "wb") as library:
        library.truncate(records._LEAST_WITH_LLVM)
    return tmp_path


def test_another_version_of_equal_size_and_time_is_another_llvm(llvmlite):
    states = []
    for number in ("0.50.0", "0.50.1"):
        (llvmlite / "_version.py").write_text(f"version = '{number}'")
        os.utime(llvmlite / "_version.py", (1, 1))
        states.append(records._state_of_llvm())
    assert None not in states and states[0] != states[1]


def test_a_library_that_takes_the_system_s_llvm_is_asked_each_time(llvmlite):
    (llvmlite / "_version.py").write_text("version = '0.50.0'")
    assert records._state_of_llvm() is not None
    os.truncate(llvmlite / "binding" / "libllvmlite.so", 1 << 20)
    assert records._state_of_llvm() is None


def test_the_library_of_this_installation_contains_llvm():
    assert any("llvmlite" in str(each) for each in records._state_of_llvm())


@pytest.mark.skipif(bool(flags.cpu), reason="PENSTOCK_CPU names another processor")
def test_the_host_is_as_llvm_describes_it():
    here = host()
    described = _by_llvm("+amx-tile" in here.features)
    assert described == [here.triple, here.cpu, here.features, here.vector_bytes, here.registers]


def test_the_processor_is_the_same_each_time():
    first = processor.identity()
    assert first == processor.identity() and (first is None or len(first) == 64)
