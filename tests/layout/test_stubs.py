"""The stubs of the public tree are fresh, and what is written by hand in them agrees with the sources."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import penstock as tf
from penstock._src.eager.tensor import EagerTensor

ROOT = Path(__file__).resolve().parents[2]
KNOWLEDGE = ROOT / "tools" / "stub_writer" / "knowledge"


def test_the_stubs_are_fresh():
    done = subprocess.run(
        [sys.executable, "tools/gen_stubs.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def methods():
    """(class, function) of every method in members.pyi that is no operator."""
    for held in ast.parse((KNOWLEDGE / "members.pyi").read_text()).body:
        assert isinstance(held, ast.ClassDef)
        for part in held.body:
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("__"):
                if "property" not in map(ast.unparse, part.decorator_list):
                    yield held.name.replace("__", "."), part


@pytest.mark.parametrize("path, stub", methods(), ids=lambda part: getattr(part, "name", part))
def test_methods_written_by_hand_have_the_parameters_of_the_sources(path, stub):
    held = tf
    for name in path.split("."):
        held = getattr(held, name)
    method = getattr(EagerTensor if path == "Tensor" else held, stub.name, None)
    if path == "Tensor" and not callable(method):
        return  # of symbolic tensors, or of those with NumPy's behavior
    stated = [argument.arg for argument in stub.args.args]
    assert stated[1:] == [
        n for n in inspect.signature(method).parameters if n not in ("self", "cls")
    ]


def test_types_are_known_of_parameters_that_exist():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        knowledge = importlib.import_module("stub_writer.knowledge")
    finally:
        sys.path.pop(0)
    unknown = []
    for words in (words for _, words in knowledge._rows("results.txt")):
        for word in words:
            held = tf
            for name in word.split("."):
                held = None if "*" in word else getattr(held, name, None)
            if held is None and "*" not in word:
                unknown.append(word)
    assert unknown == []
