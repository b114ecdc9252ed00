"""Docstrings name parameters that exist: a renamed one is renamed in the docstring as well."""

import ast
import re

from tests.layout.sources import SourceFile, fact

ARGS = re.compile(r"^Args:\n((?: .*\n?|\n)+)", re.M)
NAMES = re.compile(r"\*{0,2}\w+(, \*{0,2}\w+)*(?=:)")
# Decorators by which a function takes other parameters than its `def` has.
SPREADING = ("with_hints", "spread")


def described(docstring: str) -> list[str]:
    """The names that a docstring describes under "Args:"."""
    found = ARGS.search(docstring)
    if found is None:
        return []
    lines = found[1].split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip())
    first = [line[indent:] for line in lines if line[:indent].isspace()]
    names = [match[0] for match in map(NAMES.match, first) if match]
    return [name.lstrip("*") for entry in names for name in entry.split(", ")]


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
