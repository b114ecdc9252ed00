"""LLVM's answers are kept for later processes, which load it to compile only."""

import json
import os
import subprocess
import sys

import llvmlite
import llvmlite.binding as llvm
import pytest

from penstock._src.native.cache import ObjectCache
from penstock._src.native.llvm.answers import _START, _asked, _name, answers

PROGRAM = """
import sys
import penstock as tf

@tf.function
def f(x):
    return tf.reduce_sum(tf.sin(x @ x), 1)

result = f(tf.reshape(tf.range(64.0), [8, 8]) / 64.0).numpy()
print(result.tobytes().hex(), "llvmlite.binding" in sys.modules)
"""
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="its starts have names on Linux only")


def test_answers_are_those_of_llvm():
    said = answers()
    assert said.versions.split()[1] == llvmlite.__version__
    assert (said.triple, said.cpu) == (llvm.get_process_triple(), llvm.get_host_cpu_name())
    assert said.features == dict(llvm.get_host_cpu_features())


@on_linux
def test_kept_answers_are_read_and_those_of_another_start_are_not(monkeypatch, tmp_path):
    cache = ObjectCache(tmp_path)
    monkeypatch.setattr(ObjectCache, "from_flags", lambda: cache)
    name = _name(_START)
    assert name is not None and answers.__wrapped__() == _asked()
    kept = json.loads(cache.read(name))
    cache.write(name, json.dumps({**kept, "cpu": "another"}).encode())
    assert answers.__wrapped__().cpu == "another"
    other = tmp_path / "start"
    other.write_text("another start\n")
    assert _name(other) not in (None, name)


def test_nothing_is_kept_where_starts_have_no_names(tmp_path):
    assert _name(tmp_path / "none") is None


@on_linux
def test_a_process_with_all_code_in_the_cache_loads_no_llvm(tmp_path):
    def run() -> list[str]:
        found = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PENSTOCK_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        )
        return found.stdout.split()

    first, second = run(), run()
    assert (first[1], second[1]) == ("True", "False") and first[0] == second[0]
