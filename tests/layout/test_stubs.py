"""What is written by hand in the stubs of the public tree agrees with the sources."""

import ast
import importlib
import inspect
import sys
from pathlib import Path

import penstock as tf
from penstock._src.eager.tensor import EagerTensor

ROOT = Path(__file__).resolve().parents[2]
KNOWLEDGE = ROOT / "tools" / "stub_writer" / "knowledge"


def methods():
    """(class, function) of every method in members.pyi that is no operator."""
    for held in ast.parse((KNOWLEDGE / "members.pyi").read_text()).body:
        assert isinstance(held, ast.ClassDef)
        for part in held.body:
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("__"):
                if "property" not in map(ast.unparse, part.decorator_list):
                    yield held.name.replace("__", "."), part


def test_methods_written_by_hand_have_the_parameters_of_the_sources():
    wrong = []
    for path, stub in methods():
        held = tf
        for name in path.split("."):
            held = getattr(held, name)
        method = getattr(EagerTensor if path == "Tensor" else held, stub.name, None)
        if path == "Tensor" and not callable(method):
            continue  # of symbolic tensors, or of those with NumPy's behavior
        stated = [argument.arg for argument in stub.args.args][1:]
        parameters = [n for n in inspect.signature(method).parameters if n not in ("self", "cls")]
        if stated != parameters:
            wrong.append(f"{path}.{stub.name}: {stated} are {parameters}")
    assert wrong == []


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
