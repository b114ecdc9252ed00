"""The list of the public API, a line for each name with its signature: what a review reads of a change of the API."""

import ast
from collections.abc import Iterator

# Keras's names are those of the installed Keras; raw operations are checked against TensorFlow's definitions.
ELSEWHERE = ("keras", "raw_ops")
# The special methods that programs call by their meaning: operators and the like are TensorFlow's.
SHOWN = ("__init__", "__call__")
TITLE = "# The public API, written by tools/gen_stubs.py from the stubs: do not edit.\n"


def listing(stubs: dict[str, str]) -> str:
    """Returns the list of the names in stubs, given their texts by module: "" for `tf`, "nn" for `tf.nn`."""
    parts = [TITLE]
    for module, text in sorted(stubs.items()):
        if module.removeprefix("compat.v1.").partition(".")[0] not in ELSEWHERE:
            lines = [line for node in ast.parse(text).body for line in _lines(node)]
            title = f"tf.{module}" if module else "tf"
            parts += [f"\n{title}\n", *sorted(_grouped(lines))]
    return "".join(parts)


def _grouped(lines: list[str]) -> Iterator[str]:
    """Joins the lines of classes with those of their members, which are indented."""
    group = ""
    for line in lines:
        if group and not line.startswith("   "):
            yield group
            group = ""
        group += line
    if group:
        yield group


def _lines(node: ast.stmt, indent: str = "  ") -> Iterator[str]:
    match node:
        case ast.ClassDef(name, bases):
            inside = f"({', '.join(map(ast.unparse, bases))})" if bases else ""
            yield f"{indent}{name}{inside}\n"
            members = [line for member in node.body for line in _lines(member, f"{indent}  ")]
            yield from sorted(members)
        case ast.FunctionDef(name) if name.startswith("__") and name not in SHOWN:
            return
        case ast.FunctionDef(name, decorator_list=[ast.Name("property"), *_], returns=kind):
            yield f"{indent}{name}: {_text(kind)}\n"
        case ast.FunctionDef(name, arguments, returns=kind):
            ways = [ast.unparse(each) for each in node.decorator_list]
            signature = f"({ast.unparse(arguments)}) -> {_text(kind)}"
            yield f"{indent}{name}{signature}{''.join(f' [{way}]' for way in ways)}\n"
        case ast.AnnAssign(target, kind):
            yield f"{indent}{ast.unparse(target)}: {ast.unparse(kind)}\n"
        case ast.Assign([target], value):
            yield f"{indent}{ast.unparse(target)} = {ast.unparse(value)}\n"
        case ast.ImportFrom(str(module), names, 0) if module.startswith("penstock"):
            home = module.replace("penstock", "tf", 1)
            for alias in names:
                if alias.asname == alias.name:  # what makes it public
                    yield f"{indent}{alias.name} = {home}.{alias.name}\n"


def _text(kind: ast.expr | None) -> str:
    return ast.unparse(kind) if kind else "Any"
