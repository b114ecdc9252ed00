"""The tree keeps its shape: layers import downwards only, files and folders stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "penstock" / "_src"
LAYERS = (  # low to high; folders on one line are independent of one another
    "util",
    "core proto",
    "cluster",
    "filesystems ir native stablehlo",
    "ops",
    "graph",
    "autodiff",
    "compiler",
    "runtime",
    "devices",
    "eager",
    "api",
    "function",
    "custom_ops",
    "data saving observe",
    "distribute formats text",
    "aot",
    "language v1",
    "serving",
    "bridge",
)
FLOORS = {  # of the folders and files in some layers, low to high
    "api": (
        "extending control compat config gradients lite printing python_function",
        "math debugging internal missing module quantization raw_functions train",
        "array xla_ops",
        "random signal sparse",
        "linalg nn ragged dataflow initializers",
        "strings lookup io mapping operators",
        "image numpy variables vectorized test",
        "ragged_overrides numpy_behavior",
        "load",
    ),
    "compiler": (
        "dump kernels lower",
        "codegen passes stages host",
        "recognize",
        "fusion",
        "plan",
        "check device",
        "pipeline",
        "blocks tuning",
        "explain",
        "executable",
        "token_flow",
        "compile",
    ),
    "serving": (
        "protos requirements servables",
        "batching trust",
        "generation",
        "models",
        "telemetry",
        "inference",
        "rest grpc options",
        "server client",
        "processes",
    ),
    "v1": (
        "names",
        "functions process distributions",
        "graphs",
        "variables",
        "layers metrics summaries saving training testing",
        "inputs feature_column",
        "monitored",
    ),
}
LEVEL = {name: level for level, line in enumerate(LAYERS) for name in line.split()}
FLOOR = {
    (layer, name): level
    for layer, lines in FLOORS.items()
    for level, line in enumerate(lines)
    for name in line.split()
}
MAX_LINES = 600  # without docstrings
MAX_LINES_OF_A_FUNCTION = 80  # below its docstring
MAX_ENTRIES = 15
# A folder of families, namespaces or stages, which a search finds by name: its folders are not counted, its files are.
HOMES = {"ops", "api", "compiler"}

# Its folders and files have the paths of TensorFlow's.
MIRROR = SRC / "bridge" / "python"

FILES = sorted(SRC.rglob("*.py"))
FOLDERS = sorted({path.parent for path in FILES} - {SRC})


def name(path: Path) -> str:
    return str(path.relative_to(SRC))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every (line, dotted name) that the file imports, also inside functions."""
    package = ("penstock", "_src", *path.relative_to(SRC).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join((*base, *filter(None, [node.module])))
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", [f for f in FILES if f.parent != SRC], ids=name)
def test_imports_point_down(path):
    here = path.relative_to(SRC).parts[0]
    assert here in LEVEL, f"{here}/ stands in no layer; add it to LAYERS"
    for line, target in imports(path):
        parts = target.split(".")
        if parts[0] != "penstock":
            continue
        assert parts[1:2] == ["_src"], f"{path}:{line} imports the public tree: {target}"
        if len(parts) > 2 and parts[2] in LEVEL and parts[2] != here:
            assert LEVEL[parts[2]] < LEVEL[here], f"{path}:{line} {here} may not import {parts[2]}"


@pytest.mark.parametrize("path", [f for f in FILES if name(f).split("/")[0] in FLOORS], ids=name)
def test_floors_stand_on_one_another(path):
    layer, here, *_ = path.relative_to(SRC).with_suffix("").parts
    assert here == "__init__" or (layer, here) in FLOOR, (
        f"{here} stands on no floor; add it to FLOORS"
    )
    for line, target in imports(path):
        parts = target.split(".")
        if parts[1:3] == ["_src", layer] and parts[3:4] not in ([here], []) and here != "__init__":
            below = FLOOR[layer, parts[3]] < FLOOR[layer, here]
            assert below, f"{path}:{line} {here} may not import {parts[3]}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_the_table_of_names_above_names_v1(path):
    """Names in strings are imports too: those of lower layers stand in `util/slots.py`."""
    if name(path) != "util/slots.py" and name(path).split("/")[0] not in ("v1", "bridge"):
        assert '"penstock._src.v1.' not in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_stay_short(path):
    text = path.read_text()
    documented = (ast.FunctionDef, ast.ClassDef)
    nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, documented)]
    words = [n.body[0] for n in nodes if ast.get_docstring(n) is not None]
    lines_of_words = sum(node.end_lineno - node.lineno + 1 for node in words)
    assert text.count("\n") - lines_of_words <= MAX_LINES


@pytest.mark.parametrize("path", FILES, ids=name)
def test_functions_stay_short(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            documented = ast.get_docstring(node) is not None
            first = node.body[0].end_lineno if documented else node.lineno - 1
            lines = node.end_lineno - first
            assert lines <= MAX_LINES_OF_A_FUNCTION, f"{path}:{node.lineno} {node.name}"


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_folders_stay_small(folder):
    """At most 15 entries, `__init__.py` not counted."""
    if MIRROR in (folder, *folder.parents):
        return
    hidden = {"__init__.py", "__pycache__"}
    entries = [
        entry.name
        for entry in folder.iterdir()
        if entry.name not in hidden and not (name(folder) in HOMES and entry.is_dir())
    ]
    assert len(entries) <= MAX_ENTRIES, sorted(entries)
