"""Files import one another in one direction, those for type checkers included; imports inside functions give their reason.

What is kept on disk is named by all sources that its writers import.
"""

import pytest

from penstock._src.native.cache.sources import OF_KERNELS, OF_MODULES, OF_PLANS
from tests.layout.sources import Tree
from tests.layout.sources.imports import Import, imports

SRC = "penstock/_src"
PREFIX = "penstock._src."


def module_of(path: str) -> str:
    """The dotted name below `_src` of the file with this path."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of_ours(tree: Tree) -> dict[str, list[tuple[str, Import]]]:
    """The modules below `_src` that each of them imports."""
    names = {module_of(path): held for path, held in tree.facts(imports, SRC).items()}

    def ours(target: str) -> str | None:
        name = target.removeprefix(PREFIX)
        name = name if name in names else name.rpartition(".")[0]
        return name if target.startswith(PREFIX) and name in names else None

    found = {
        source: [(module, each) for each in held if (module := ours(each.target)) is not None]
        for source, held in names.items()
    }
    return {s: [row for row in rows if row[0] != s] for s, rows in sorted(found.items())}


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """The strongly connected components of more than one node (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            component = set(stack[at:])
            del stack[at:]
            if len(component) > 1:
                found.append(component)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def circles_at_import(tree: Tree) -> list[set[str]]:
    """Modules that import one another outside of functions."""
    return circles(
        {
            source: {module for module, each in rows if not each.in_function}
            for source, rows in imports_of_ours(tree).items()
        }
    )


def circles_at_call(tree: Tree) -> list[set[str]]:
    """Modules that import one another, inside functions too."""
    rows_of = imports_of_ours(tree).items()
    return circles({source: {module for module, _ in rows} for source, rows in rows_of})


def imports_without_reason(tree: Tree) -> list[str]:
    """Imports inside functions that no comment gives a reason for: on their line, or above it and the imports beside it."""
    return [
        f"{source}:{each.line} imports {module}"
        for source, rows in imports_of_ours(tree).items()
        for module, each in rows
        if each.in_function and not each.has_reason
    ]


def test_no_files_import_in_a_circle(tree):
    assert circles_at_import(tree) == []


def test_no_files_import_in_a_circle_when_they_are_called(tree):
    assert circles_at_call(tree) == []


def test_imports_inside_functions_give_their_reason(tree):
    assert imports_without_reason(tree) == []


def test_circles_are_reported(plant):
    files = plant(
        {
            f"{SRC}/util/a.py": "from penstock._src.util import b\n",
            f"{SRC}/util/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  from .c import C\n",
            f"{SRC}/util/c.py": "import penstock._src.util.a\n",
            f"{SRC}/util/d.py": "def f():\n  from penstock._src.util.e import g\n",
            f"{SRC}/util/e.py": "from penstock._src.util.d import f\n",
            f"{SRC}/util/g.py": 'G = {1: ByName(f"{__package__}.h", "i")}\n',
            f"{SRC}/util/h.py": "import penstock._src.util.g\n",
        }
    )
    assert circles_at_import(files) == [{"util.a", "util.b", "util.c"}]
    at_call = [{"util.a", "util.b", "util.c"}, {"util.d", "util.e"}, {"util.g", "util.h"}]
    assert circles_at_call(files) == at_call


def test_imports_inside_functions_without_a_comment_are_reported(plant):
    text = """
def f():
    from penstock._src.util import nest

def g():
    # A circle.
    import os
    from penstock._src.util import nest

def h():
    from penstock._src.util import nest  # Slow to import.
"""
    files = plant({f"{SRC}/util/a.py": text, f"{SRC}/util/nest.py": ""})
    assert imports_without_reason(files) == ["util.a:3 imports util.nest"]


# What is kept on disk: the modules that decide it, before those that they import, and the folders whose contents name it.
KEPT = {
    "modules": (("native.",), OF_MODULES),
    "kernels": (("compiler.codegen.",), OF_KERNELS),
    "plans": (("compiler.", "runtime.", "devices.cpu.", "ops."), OF_PLANS),
}


def imported_by(tree: Tree, roots: tuple[str, ...]) -> set[str]:
    """The modules whose names begin like this, and all that they import."""
    graph = imports_of_ours(tree)
    needed = set[str]()
    pending = [module for module in graph if module.startswith(roots)]
    while pending:
        module = pending.pop()
        if module not in needed:
            needed.add(module)
            pending += [imported for imported, _ in graph[module]]
    return needed


@pytest.mark.parametrize("kind", KEPT)
def test_all_sources_that_decide_what_is_kept_name_it(tree, kind):
    roots, folders = KEPT[kind]
    needed = imported_by(tree, roots)
    assert len(needed) > 100
    named = tuple([f"{folder.replace('/', '.')}." for folder in folders])
    others = {module for module in needed if not f"{module}.".startswith(named)}
    assert others <= {"version"}  # it is written, and decides nothing
