"""The example of a served model: whole, as it is."""

import importlib
import json
import shutil
import subprocess
import sys

import pytest

from penstock._src.aot.packing import pack_saved_model
from penstock._src.native.target import levels_of_host
from tests.aot.packing.kit import maker, save_small
from tests.harness.processes import lean

from . import lean_running, running


def test_all_clients_get_the_models_answers():
    run = lean_running.run("serving/digits")
    assert 0.85 <= run.value("accuracy") <= 0.98
    programs = [name for name in ("curl", "node") if shutil.which(name)]
    assert run.value("clients") == 1 + len(programs)
    assert "version 2 took over" in run.output


def test_the_example_is_short():
    text = (running.EXAMPLES / "serving" / "digits.py").read_text(encoding="utf-8")
    assert text.count("\n") <= 150 and "Result:" in text


CALL = """
import json, sys
sys.modules["llvmlite"] = None
import function
answer = function.handler({"body": json.dumps({"inputs": {"x": [[0.5] * 64] * 3}})})
refusal = function.handler({"inputs": {}})
from penstock._src.native import kernels
print(json.dumps([answer, refusal, kernels().statistics.from_packs]))
"""


@pytest.mark.skipif(not levels_of_host(), reason="packs are for Linux, x86-64-v2 on or aarch64")
def test_a_serverless_function_answers_without_a_compiler(tmp_path, monkeypatch):
    model = save_small(tmp_path / "saved")
    secret, public = maker(tmp_path)
    pack_saved_model(model, secret, threads=[8], batches=[2])
    monkeypatch.syspath_prepend(running.EXAMPLES / "serving")
    folder = tmp_path / "function"
    folder.mkdir()
    importlib.import_module("function_zip").fill(folder, model, public)
    done = subprocess.run(
        [sys.executable, "-c", CALL],
        cwd=folder,
        env=lean({"PYTHONPATH": str(running.EXAMPLES.parent), "PENSTOCK_THREADS": "2"}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    answer, refusal, packed = json.loads(done.stdout.splitlines()[-1])
    assert answer["statusCode"] == 200 and packed > 3
    scores = json.loads(answer["body"])["outputs"]["scores"]
    assert len(scores) == 3 and abs(sum(scores[0]) - 1) < 1e-5
    assert refusal["statusCode"] == 400 and "expected inputs x" in refusal["body"]
