"""The tree keeps its shape: layers import downwards only, files and folders stay small."""

import ast
import re
from pathlib import Path

from tests.layout.sources import SourceFile, Tree, fact
from tests.layout.sources.imports import imports

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
    "language trees v1",
    "serving",
    "bridge",
)
# The folders and files in some layers, low to high. Those joined by "+" import each other still.
FLOORS = {
    "api": (
        "extending control compat config lite python_function",
        "gradients",
        "math debugging internal missing module quantization raw_functions train",
        "array xla_ops",
        "random signal sparse",
        "linalg nn ragged dataflow initializers",
        "strings lookup io mapping borrowed_operators",
        "operators",
        "image numpy printing variables vectorized test",
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
    "distribute": (
        "context resolvers",
        "current values",
        "cross_device_ops input_iterators tpu",
        "extended",
        "strategy",
        "cluster dtensor local mirrored unavailable",
        "workers",
    ),
    "ops": (
        "infer lowered_special_functions rules special_functions extremes sums tensor_proto variants",
        "control indexed_slices native_forms nn recurrent serving signal strings trees",
        "array debugging dual_ascent io math",
        "linalg parsing random state",
        "clustering image sparse xla",
        "nn_legacy quantized summaries",
        "data",  # steps: what the elements are
        "data_selection lookup",
        "data_planner",  # which iterators compute them
        "data_iterators",
        "data_shared",
        "collective csv data_snapshot dataflow",
        "text",
        "data_legacy",
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
    (layer, name): (level, group)
    for layer, lines in FLOORS.items()
    for level, line in enumerate(lines)
    for group in line.split()
    for name in group.split("+")
}
ROOF = (len(LAYERS), "")  # of names that stand on no floor
MAX_LINES = 600  # without docstrings
MAX_LINES_OF_A_FUNCTION = 80  # below its docstring
MAX_ENTRIES = 15
# A folder of families, namespaces or stages, which a search finds by name: its folders are not counted, its files are.
HOMES = {"ops", "api", "compiler"}

# Its folders and files have the paths of TensorFlow's.
MIRROR = "bridge/python"
SRC = "penstock/_src"


def upward_imports(tree: Tree) -> list[str]:
    """Imports of the same or a higher layer, or of the public tree, and folders that stand in no layer."""
    found = []
    for path, names in tree.facts(imports, SRC).items():
        here, _, inside = path.partition("/")
        if not inside:
            continue
        if here not in LEVEL:
            found.append(f"{path}: {here}/ stands in no layer; add it to LAYERS")
            continue
        for line, target, *_ in names:
            parts = target.split(".")
            if parts[0] != "penstock":
                continue
            if parts[1:2] != ["_src"]:
                found.append(f"{path}:{line} imports the public tree: {target}")
            elif len(parts) > 2 and parts[2] in LEVEL and parts[2] != here:
                if LEVEL[parts[2]] >= LEVEL[here]:
                    found.append(f"{path}:{line} {here} may not import {parts[2]}")
    return found


def imports_of_higher_floors(tree: Tree) -> list[str]:
    """Within a layer: imports of the same or a higher floor by a folder or file, and those that stand on no floor."""
    found = []
    for path, names in tree.facts(imports, SRC).items():
        layer, *inside = path.removesuffix(".py").split("/")
        here = inside[0] if inside else "__init__"
        if layer not in FLOORS or here == "__init__":
            continue
        if (layer, here) not in FLOOR:
            found.append(f"{path}: {here} stands on no floor; add it to FLOORS")
            continue
        for line, target, *_ in names:
            parts = target.split(".")
            if parts[1:3] == ["_src", layer] and parts[3:4] not in ([here], []):
                (level, group), own = FLOOR.get((layer, parts[3]), ROOF), FLOOR[layer, here]
                if level >= own[0] and group != own[1]:
                    found.append(f"{path}:{line} {here} may not import {parts[3]}")
    return found


def files_that_name_v1(tree: Tree) -> list[str]:
    """Names in strings are imports too: those of lower layers stand in `util/slots.py`."""
    return [
        path
        for path, text in tree.below(SRC).items()
        if path != "util/slots.py" and path.split("/")[0] not in ("v1", "bridge")
        if '"penstock._src.v1.' in text
    ]


@fact(SRC)
def lines_without_docstrings(file: SourceFile) -> int:
    nodes = file.of_kind(ast.FunctionDef, ast.ClassDef)
    words = [node.body[0] for node in nodes if ast.get_docstring(node) is not None]
    lines_of_words = sum((node.end_lineno or 0) - node.lineno + 1 for node in words)
    return file.text.count("\n") - lines_of_words


@fact(SRC)
def long_functions(file: SourceFile) -> list[str]:
    """The functions that have more lines below their docstrings than are allowed."""
    found = []
    for node in file.of_kind(ast.FunctionDef):
        documented = ast.get_docstring(node) is not None
        first = (node.body[0].end_lineno or 0) if documented else node.lineno - 1
        if (node.end_lineno or 0) - first > MAX_LINES_OF_A_FUNCTION:
            found.append(f"{node.lineno} {node.name}")
    return found


def long_files(tree: Tree) -> list[str]:
    lengths = tree.facts(lines_without_docstrings, SRC)
    return [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > MAX_LINES]


def large_folders(source: Path) -> dict[str, list[str]]:
    """The folders below `source` with more than 15 entries, `__init__.py` not counted."""
    hidden = {"__init__.py", "__pycache__"}
    found = {}
    for folder in sorted({path.parent for path in source.rglob("*.py")} - {source}):
        name = folder.relative_to(source).as_posix()
        if f"{name}/".startswith(f"{MIRROR}/"):
            continue
        entries = [
            entry.name
            for entry in folder.iterdir()
            if entry.name not in hidden and not (name in HOMES and entry.is_dir())
        ]
        if len(entries) > MAX_ENTRIES:
            found[name] = sorted(entries)
    return found


def test_imports_point_down(tree):
    assert upward_imports(tree) == []


def test_floors_stand_on_one_another(tree):
    assert imports_of_higher_floors(tree) == []


def test_only_the_table_of_names_above_names_v1(tree):
    assert files_that_name_v1(tree) == []


def test_files_stay_short(tree):
    assert long_files(tree) == []


def test_functions_stay_short(tree):
    assert {p: names for p, names in tree.facts(long_functions, SRC).items() if names} == {}


def test_folders_stay_small(tree):
    assert large_folders(tree.root / SRC) == {}


def test_imports_that_point_up_are_reported(plant):
    layers = plant(
        {
            f"{SRC}/util/a.py": "def f():\n    from penstock._src.core import dtypes\n",
            f"{SRC}/util/b.py": "import penstock as tf\n",
            f"{SRC}/cluster/c.py": "from ..eager import context\nfrom ..core import dtypes\n",
            f"{SRC}/attic/d.py": "",
            f"{SRC}/api/math/e.py": "from penstock._src.api import image\n",
            f"{SRC}/api/attic.py": "",
            f"{SRC}/compiler/lower/f.py": "from penstock._src.compiler.attic import g\n",
            f"{SRC}/ops/data/g.py": "from penstock._src.ops import data_planner, math\n",
            f"{SRC}/ops/io/h.py": "def f():\n    from penstock._src.ops.image import boxes\n",
        }
    )
    assert upward_imports(layers) == [
        "attic/d.py: attic/ stands in no layer; add it to LAYERS",
        "cluster/c.py:1 cluster may not import eager",
        "util/a.py:2 util may not import core",
        "util/b.py:1 imports the public tree: penstock",
    ]
    assert imports_of_higher_floors(layers) == [
        "api/attic.py: attic stands on no floor; add it to FLOORS",
        "api/math/e.py:1 math may not import image",
        "compiler/lower/f.py:1 lower may not import attic",
        "ops/data/g.py:1 data may not import data_planner",
        "ops/io/h.py:2 io may not import image",
    ]


def test_names_of_v1_in_strings_are_reported(plant):
    text = 'NAME = "penstock._src.v1.graphs"\n'
    assert files_that_name_v1(plant({f"{SRC}/util/a.py": text, f"{SRC}/v1/b.py": text})) == [
        "util/a.py"
    ]


def test_what_is_long_is_reported(plant):
    body = "    x = 1\n"
    long = plant(
        {
            f"{SRC}/a.py": "x = 1\n" * (MAX_LINES + 1),
            f"{SRC}/b.py": f'def f():\n    """\n{body * 700}    """\n{body * 79}',
            f"{SRC}/c.py": f'def f():\n    """\n{body * 9}    """\n{body * 81}',
            f"{SRC}/d.py": f"class C:\n  def f():\n{body * 80}",
        }
    )
    assert long_files(long) == [f"a.py: {MAX_LINES + 1} lines"]
    found = long.facts(long_functions, SRC)
    assert found == {"a.py": [], "b.py": [], "c.py": ["1 f"], "d.py": ["2 f"]}


def test_large_folders_are_reported(plant):
    names = [f"{number}.py" for number in range(MAX_ENTRIES + 1)]
    large = plant(
        {f"{SRC}/{folder}/{n}": "" for folder in ("util", "bridge/python") for n in names}
    )
    assert list(large_folders(large.root / SRC)) == ["util"]


PRIMITIVE = "fft"  # one that no rule treats: what is known of it is in its class and its kernels


@fact(SRC)
def names_primitive(file: SourceFile) -> bool:
    return re.search(rf"\b{PRIMITIVE}\b", file.text) is not None


def files_that_name_primitive(tree: Tree) -> list[str]:
    """The files that name a primitive where its class, or its kernels by that, should be named."""
    return [
        f"{room}/{path}"
        for room in ("ir", "compiler", "devices")
        for path, named in tree.facts(names_primitive, f"{SRC}/{room}").items()
        if named
    ]


def test_one_file_names_a_primitive(tree):
    assert files_that_name_primitive(tree) == ["ir/primitives/lines.py"]


def test_files_that_name_a_primitive_are_reported(plant):
    files = plant(
        {
            f"{SRC}/ir/a.py": 'kind = "fft"\n',
            f"{SRC}/compiler/b.py": "kind = lines.Fft.kind\n",
            f"{SRC}/devices/c.py": "# the kind fft\n",
        }
    )
    assert files_that_name_primitive(files) == ["ir/a.py", "devices/c.py"]
