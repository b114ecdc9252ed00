"""What no file names is not kept: functions, classes and constants of modules are used, exported or listed here."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "penstock" / "_src"
WORD = re.compile(r"[A-Za-z_]\w*")
# Libraries find these by the paths of `bridge/names/python_paths.py` and `bridge/text/paths.py`, which name modules.
REACHED_BY_PATH = {
    "api/config/determinism.py",
    "api/xla_ops.py",
    "text/registrar.py",
    "util/nest_paths.py",
}


def defined(path: Path) -> Iterator[str]:
    """Names of a module that nothing registers: no decorator, no op class."""
    is_op = path.is_relative_to(SRC / "ops")
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef(name, decorator_list=[]):
                yield name
            case ast.ClassDef(name, decorator_list=[]) if not is_op:
                yield name
            case ast.Assign([ast.Name(name)]) if not name.startswith("__"):
                yield name


def test_names_are_used():
    words = Counter()
    for folder in ("penstock", "tests", "tools", "bench", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            words.update(WORD.findall(path.read_text()))
    unused = [
        f"{path.relative_to(SRC)}: {name}"
        for path in sorted(SRC.rglob("*.py"))
        if path.relative_to(SRC).parts[0] != "bridge"
        and path.relative_to(SRC).as_posix() not in REACHED_BY_PATH
        for name in defined(path)
        if words[name] == 1
    ]
    assert not unused
