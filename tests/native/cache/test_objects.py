"""Objects on disk: found again, built again when damaged, safe beside other writers."""

import logging
import os
import random
import stat
import subprocess
import sys
import threading
import time

import pytest

from penstock._src.native import Code, Kernels, Module, WrittenCode
from penstock._src.native.cache import ObjectCache, default_folder, objects
from penstock._src.native.cache.objects import INTERVAL
from penstock._src.native.language.types import I64
from penstock._src.util import flags


def answer(number: int) -> Code:
    m = Module()
    with m.fn("answer", ret=I64) as f:
        f.give(f.i64(number))
    return Code.of(m)


def ask(kernels: Kernels, number: int) -> int:
    import ctypes

    return kernels[answer(number)].function("answer", result=ctypes.c_int64)()


def test_an_object_is_compiled_once_and_read_afterwards(tmp_path):
    first, second = (Kernels(ObjectCache(tmp_path / "cache")) for _ in range(2))
    assert ask(first, 41) == ask(first, 41) == ask(second, 41) == 41
    assert (first.statistics.compiled, first.statistics.reused) == (1, 1)
    assert (second.statistics.compiled, second.statistics.from_disk) == (0, 1)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "damage",
    [lambda d: d[:-1], lambda d: b"", lambda d: d[:60] + b"?" + d[61:], lambda d: b"x" * 500],
)
def test_a_damaged_file_is_built_again(tmp_path, damage, caplog):
    ask(Kernels(ObjectCache(tmp_path)), 42)
    path = ObjectCache(tmp_path).path(answer(42).key)
    path.write_bytes(damage(path.read_bytes()))
    kernels = Kernels(ObjectCache(tmp_path))
    with caplog.at_level(logging.DEBUG, "penstock.native"):
        assert ask(kernels, 42) == 42
    assert kernels.statistics.compiled == 1 and "damaged" in caplog.text
    assert ask(Kernels(ObjectCache(tmp_path)), 42) == 42


def test_code_of_another_user_or_kernel_is_not_run(tmp_path):
    cache = ObjectCache(tmp_path / "cache")
    cache.write("a" * 40, b"mine")
    cache.write("b" * 40, b"another kernel")
    os.replace(cache.path("b" * 40), cache.path("a" * 40))
    assert cache.read("a" * 40) is None and not cache.path("a" * 40).exists()
    with flags.override(cache_key=str(tmp_path / "other")):
        cache.write("a" * 40, b"forged")
        assert cache.read("a" * 40) == b"forged"
    assert cache.read("a" * 40) is None


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_a_key_is_only_its_users(tmp_path):
    path, code = tmp_path / "new" / "key", b"code"
    with flags.override(cache_key=str(path)):
        ObjectCache(tmp_path).write("a" * 40, code)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert ObjectCache(tmp_path).read("a" * 40) == code
    shown = tmp_path / "shown"
    shown.write_bytes(path.read_bytes())
    shown.chmod(0o644)
    with flags.override(cache_key=str(shown)):
        assert ObjectCache(tmp_path).read("a" * 40) is None


def test_without_a_key_kernels_are_only_in_memory(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with flags.override(cache_key=str(blocked / "key")):
        assert ask(Kernels(ObjectCache(tmp_path / "cache")), 46) == 46
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_written_only_means_compiling(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert ask(Kernels(ObjectCache(blocked)), 43) == 43
    assert ask(Kernels(ObjectCache(None)), 43) == 43


def test_racing_writers_leave_whole_files(tmp_path):
    def work():
        for number in range(100, 110):
            assert ask(Kernels(ObjectCache(tmp_path), threads=1), number) == number

    crew = [threading.Thread(target=work) for _ in range(4)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    files = list(tmp_path.glob("*/*"))
    assert len(files) == 10 and not any(path.name.startswith(".new-") for path in files)


def test_flags_name_the_folder(tmp_path):
    with flags.override(cache_dir=str(tmp_path)):
        assert ObjectCache.from_flags().folder == tmp_path
    with flags.override(cache_dir="none"):
        assert ObjectCache.from_flags().folder is None
    with flags.override(cache_dir=""):
        assert ObjectCache.from_flags().folder == default_folder()


def test_keys_tell_targets_apart():
    code = answer(44)
    other = WrittenCode(
        code.text, code.exports, type(code.target)(code.target.triple, "haswell", "", 32, 16)
    )
    assert code.key != other.key and code.key == answer(44).key


def test_another_process_finds_the_objects(tmp_path):
    program = (
        "import sys; from tests.native.cache.test_objects import *\n"
        f"k = Kernels(ObjectCache({str(tmp_path)!r})); ask(k, 45); print(k.statistics.from_disk)"
    )

    def run():
        return subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": "."},
        )

    assert [run().stdout.strip() for _ in range(2)] == ["0", "1"]


def test_a_folder_past_its_limit_loses_the_oldest_files(tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "PATIENCE", 60.0)
    cache = ObjectCache(tmp_path)
    for i in range(8):
        cache.write(f"{i:040d}", bytes(1000))
        os.utime(cache.path(f"{i:040d}"), (i, i))
    cache.prune(1 << 20)
    assert len(list(tmp_path.rglob("*.o"))) == 8
    cache.prune(6 * objects.BLOCK)
    assert cache.read(f"{0:040d}") is None and cache.read(f"{7:040d}") == bytes(1000)
    assert len(list(tmp_path.rglob("*.o"))) == 4


def test_a_folder_that_takes_long_to_list_is_pruned_by_parts(tmp_path, monkeypatch):
    cache = ObjectCache(tmp_path)
    for part in range(4):
        for i in range(8):
            key = f"{part:02d}{i:038d}"
            cache.write(key, bytes(1000))
            os.utime(cache.path(key), (i, i))
    listed = objects.files
    clock, state = [0.0], random.getstate()

    def slowly(folder):
        for file in listed(folder):
            clock[0] += 0.1
            yield file

    monkeypatch.setattr(objects, "files", slowly)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    cache.prune(24 * objects.BLOCK)
    assert random.getstate() == state  # the user's
    for part in range(4):
        left = [i for i in range(8) if cache.read(f"{part:02d}{i:038d}") is not None]
        assert left == [4, 5, 6, 7]


def test_a_folder_is_looked_at_once_in_a_while(tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr(ObjectCache, "prune", lambda self: not looked.append(self))
    for name in "ab":
        ObjectCache(tmp_path).write(name * 40, bytes(8))
    assert len(looked) == 1
    os.utime(tmp_path / "looked-at", (0, 0))
    ObjectCache(tmp_path).write("c" * 40, bytes(8))
    assert len(looked) == 2


def test_a_folder_that_is_not_pruned_in_time_is_looked_at_soon(tmp_path, monkeypatch):
    """As many processes write, each of which removes as much as a user may wait for."""
    monkeypatch.setattr(objects, "LIMIT", 4 * objects.BLOCK)
    monkeypatch.setattr(objects, "PATIENCE", -1)
    cache = ObjectCache(tmp_path)
    for i in range(8):
        cache.write(f"{i:040d}", bytes(1000))
    os.utime(tmp_path / "looked-at", (0, 0))
    ObjectCache(tmp_path).write("a" * 40, bytes(8))
    age = time.time() - (tmp_path / "looked-at").stat().st_mtime
    assert INTERVAL - objects.SOON <= age < INTERVAL
    monkeypatch.setattr(objects, "PATIENCE", 60.0)
    assert cache.prune() and len(list(tmp_path.rglob("*.o"))) == 3


def test_a_process_that_runs_on_looks_again(tmp_path, monkeypatch):
    looked, cache = [], ObjectCache(tmp_path)
    monkeypatch.setattr(ObjectCache, "prune", lambda self: not looked.append(self))
    cache.write("a" * 40, bytes(8))
    os.utime(tmp_path / "looked-at", (0, 0))
    cache.write("b" * 40, bytes(8))
    assert len(looked) == 1
    later = time.monotonic() + INTERVAL + 1
    monkeypatch.setattr(time, "monotonic", lambda: later)
    cache.write("c" * 40, bytes(8))
    assert len(looked) == 2
