"""What no file names is not kept: functions, classes and constants of modules are used, exported or listed here."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.layout.sources import FOLDERS, SourceFile, Tree, fact

SRC = "penstock/_src"
WORD = re.compile(r"[A-Za-z_]\w*")
# Libraries find these by the paths of `bridge/names/python_paths.py` and `bridge/text/paths.py`, which name modules.
REACHED_BY_PATH = {
    "api/config/determinism.py",
    "api/xla_ops.py",
    "text/registrar.py",
    "util/nest_paths.py",
}


@fact(SRC)
def defined(file: SourceFile) -> list[str]:
    """Names of a module that nothing registers: no decorator, no class of an op or of a primitive."""
    return list(_defined(file))


def _defined(file: SourceFile) -> Iterator[str]:
    is_registered = file.path.startswith((f"{SRC}/ops/", f"{SRC}/ir/primitives/"))
    for node in file.tree.body:
        match node:
            case ast.FunctionDef(name, decorator_list=[]):
                yield name
            case ast.ClassDef(name, decorator_list=[]) if not is_registered:
                yield name
            case ast.Assign([ast.Name(name)]) if not name.startswith("__"):
                yield name


@fact(*FOLDERS)
def words(file: SourceFile) -> tuple[str, str]:
    """The words that a file has once, and those that it has more often; as texts, which are small."""
    counts = Counter(WORD.findall(file.text))
    once = [word for word, count in counts.items() if count == 1]
    return " ".join(once), " ".join(counts.keys() - once)


def unused_names(tree: Tree) -> list[str]:
    """The names that modules define and no file has a second time."""
    counts: Counter[str] = Counter()
    for once, often in tree.facts(words).values():
        counts.update(once.split())
        counts.update(often.split() * 2)
    return [
        f"{path}: {name}"
        for path, names in tree.facts(defined, SRC).items()
        if path.split("/")[0] != "bridge" and path not in REACHED_BY_PATH
        for name in names
        if counts[name] == 1
    ]


def test_names_are_used(tree):
    assert unused_names(tree) == []


def test_names_that_no_file_uses_are_reported(plant):
    files = plant(
        {
            f"{SRC}/util/a.py": "LIMIT = 1\nSMALL = 2\ndef f(): pass\n@export\ndef g(): pass\n",
            f"{SRC}/ops/b.py": "class Lone(Op): pass\n",
            f"{SRC}/bridge/c.py": "UNUSED = 3\n",
            "tests/util/test_a.py": "from penstock._src.util.a import SMALL\n",
        }
    )
    assert unused_names(files) == ["util/a.py: LIMIT", "util/a.py: f"]
