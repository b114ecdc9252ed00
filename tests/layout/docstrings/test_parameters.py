"""Docstrings name parameters that exist, and say so of those that have no effect."""

import ast
import re
from collections.abc import Iterator

from tests.layout.sources import SourceFile, fact

ARGS = re.compile(r"^Args:\n((?: .*\n?|\n)+)", re.M)
NAMES = re.compile(r"\*{0,2}\w+(, \*{0,2}\w+)*(?=:)")
PUBLIC = re.compile(r"^(export|dispatchable)\b")
WITHOUT_EFFECT = re.compile(r"effect|accepted|ignored|unused|hint")
# Decorators by which a function takes other parameters than its `def` has.
SPREADING = ("with_hints", "spread")


def entries(docstring: str) -> Iterator[tuple[list[str], str]]:
    """The names that a docstring describes under "Args:", with what it says of them."""
    found = ARGS.search(docstring)
    if found is None:
        return
    lines = found[1].split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    starts = [
        i for i, line in enumerate(lines) if line[:indent].isspace() and NAMES.match(line[indent:])
    ]
    for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
        names, _, text = "\n".join(lines[start:end]).partition(":")
        yield [name.strip().lstrip("*") for name in names.split(",")], text


def described(docstring: str) -> list[str]:
    """The names that a docstring describes under "Args:"."""
    return [name for names, _ in entries(docstring) for name in names]


def signature(node: ast.AST) -> ast.arguments | None:
    """The parameters of a function, or of a class's `__init__`; None if they are not those of its `def`."""
    if isinstance(node, ast.ClassDef):
        methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        return next((signature(each) for each in methods if each.name == "__init__"), None)
    if not isinstance(node, ast.FunctionDef) or node.args.kwarg:
        return None
    decorators = [ast.unparse(each) for each in node.decorator_list]
    return None if any(word in each for word in SPREADING for each in decorators) else node.args


@fact("penstock/_src")
def missing_parameters(file: SourceFile) -> list[str]:
    """ "function: name" for each described name that is not a parameter."""
    lacking = []
    for node in ast.walk(file.tree):
        arguments = signature(node)
        if arguments is None or not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg]
        known = {each.arg for each in every if each}
        names = described(ast.get_docstring(node) or "")
        lacking += [f"{node.name}: {name}" for name in names if name not in known]
    return lacking


@fact("penstock/_src")
def silent_parameters(file: SourceFile) -> list[str]:
    """ "function: name" for each parameter of a public function that is described as if its body read it."""
    silent = []
    for node in file.tree.body:
        decorators = [ast.unparse(each) for each in getattr(node, "decorator_list", ())]
        is_public = any(PUBLIC.search(each) for each in decorators)
        if not isinstance(node, ast.FunctionDef) or not is_public or has_no_body(node):
            continue
        read = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        if "locals" in read:
            continue
        for names, text in entries(ast.get_docstring(node) or ""):
            if not WITHOUT_EFFECT.search(text):
                unread = [n for n in names if n not in {*read, "name", "scope", "_"}]
                silent += [f"{node.name}: {n}" for n in unread]
    return silent


def has_no_body(node: ast.FunctionDef) -> bool:
    """True if a function only raises, or is an overload."""
    return all(isinstance(each, ast.Expr | ast.Raise | ast.Pass) for each in node.body)


def test_docstrings_describe_parameters_that_exist(tree):
    found = tree.facts(missing_parameters)
    assert {path: names for path, names in found.items() if names} == {}


def test_a_renamed_parameter_is_found(plant):
    text = '''
class Scale:
    """Scales tensors.

    Args:
      by: a number,
        which: is finite.
      first, second: tensors.
    """

    def __init__(self, factor, first, second):
        pass
'''
    planted = plant({"penstock/_src/scale.py": text})
    assert planted.facts(missing_parameters) == {"penstock/_src/scale.py": ["Scale: by"]}


def test_docstrings_say_which_parameters_have_no_effect(tree):
    found = tree.facts(silent_parameters)
    assert {path: names for path, names in found.items() if names} == {}


def test_a_parameter_that_nothing_reads_is_found(plant):
    text = '''
@export("scale")
def scale(x, by, how, kind=None, name=None):
    """Scales a tensor.

    Args:
      x, by: a tensor and
        a number.
      how: without effect.
      kind: a dtype.
      name: of the operation.
    """
    return x * 2
'''
    planted = plant({"penstock/_src/scale.py": text})
    found = planted.facts(silent_parameters)
    assert found == {"penstock/_src/scale.py": ["scale: by", "scale: kind"]}
