"""The face: everything public says what it is, examples give what they show."""

import ast
import doctest
import importlib
import pkgutil
import re
import typing
from pathlib import Path

import numpy as np
import pytest

import penstock as tf
from penstock import _src
from penstock._src.api.config.determinism import disable_op_determinism
from penstock._src.core import registry
from penstock._src.util import export, flags

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "penstock" / "_src"
EXAMPLES = [path for path in sorted(SRC.rglob("*.py")) if ">>> " in path.read_text()]
# Everything that a file outside may say about a variable, and Penstock's own names for tests.
VARIABLE = re.compile(r"PENSTOCK_([A-Z_]+[A-Z])\b")


def test_everything_public_has_a_docstring():
    for info in pkgutil.walk_packages(_src.__path__, "penstock._src."):
        importlib.import_module(info.name)
    silent = []
    for path, entry in {**export.V1, **export.V2}.items():
        held = importlib.import_module(entry.module)
        for part in entry.attribute.split("."):
            held = getattr(held, part)
        is_message = hasattr(held, "DESCRIPTOR")
        is_union = typing.get_origin(held) is not None
        if (
            callable(held)
            and not (is_message or is_union)
            and not (getattr(held, "__doc__", "") or "").strip()
        ):
            silent.append(path)
    assert not silent


def docstrings(path):
    """(name, line, text) of every docstring in the file with an example in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            text = ast.get_docstring(node)
            if text and ">>> " in text:
                yield node.name, node.body[0].lineno, text
        elif isinstance(node, ast.Constant) and re.search(r"\n>>> \S", str(node.value)):
            yield path.stem, node.lineno, node.value  # of what no statement defines
        elif isinstance(node, ast.Call) and getattr(node.func, "id", None) == "op_functions":
            for rows in node.keywords:
                for row in re.split(r"\n(?=\S)", rows.value.value):
                    if ">>> " in row:
                        yield row.split()[0], rows.value.lineno, row.partition("\n")[2]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(SRC)))
def test_examples_in_docstrings_give_what_they_show(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    said = []
    for name, line, text in docstrings(path):
        known = {"tf": tf, "np": np, "folder": str(tmp_path)}
        runner.run(
            doctest.DocTestParser().get_doctest(text, known, name, str(path), line), out=said.append
        )
    disable_op_determinism()  # an example enables it, and other files' tests draw without seeds
    assert runner.failures == 0, "".join(said)


def test_every_flag_is_documented_and_read(tree):
    texts = tree.below("penstock/_src").values()
    read = {name for text in texts for name in re.findall(r"(?<=\bflags\.)\w+", text)}
    page = (ROOT / "docs" / "debugging.md").read_text()
    for flag in flags.TABLE.values():
        assert flag.meaning.endswith("."), f"{flag.variable} says nothing"
        assert flag.name in read, f"{flag.variable} is read nowhere"
        assert flag.variable in page, f"docs/debugging.md says nothing of {flag.variable}"


def test_every_flag_that_is_named_exists():
    known = {flag.variable for flag in flags.TABLE.values()}
    for folder in ("penstock", "docs", "bench", "examples"):
        for path in (ROOT / folder).rglob("*.*"):
            if path.suffix in (".py", ".md"):
                named = {f"PENSTOCK_{name}" for name in VARIABLE.findall(path.read_text())}
                assert named <= known, f"{path} names {named - known}"


def test_every_op_says_what_it_is():
    for name, cls in registry.load_all().items():
        if cls.__module__.startswith("penstock."):
            assert (cls.__dict__.get("__doc__") or "").strip(), f"{name} in {cls.__module__}"


def test_every_op_is_found_by_its_name():
    for path in sorted((SRC / "ops").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        importlib.import_module(".".join(("penstock", "_src", *parts)).removesuffix(".__init__"))
    # The bridge registers the ops of TensorFlow's own tests when these ask for them.
    made = {name for name, cls in registry.OPS.items() if cls.__module__.startswith("penstock.")}
    lent = {n for n in made if registry.OPS[n].__module__.startswith("penstock._src.bridge.")}
    own = made - lent
    assert set(own) <= set(registry.index()) | set(registry.INTERNAL)
