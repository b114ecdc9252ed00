"""Runs the tests nearest to what changed: `make test-changed`, for the minutes between `make test` and the next.

Of a file of tests, itself; of what tests use, or data beside them, the folder's; of a file of the package, the folder of tests of that
name and whatever imports it; of ops, what the tables of recorded and drawn calls say of those that the file defines. The compiler's, too,
some random programs. Always: the smoke test, and the rules of `tests/layout`.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from penstock._src.core import registry
from tests.harness.tables import OF_OPS

ROOT = Path(__file__).resolve().parents[1]
ALWAYS = ("tests/test_smoke.py", "tests/layout")
# What every compiled program goes through.
OF_PROGRAMS = ("compiler", "devices", "ir", "native", "runtime")
RANDOM = "tests/fuzz/test_programs.py"


def changed(since: str) -> list[str]:
    """The files that differ from a commit, those that git does not know among them."""
    commands = (
        ("diff", "--name-only", "--diff-filter=d", since),
        ("ls-files", "--others", "--exclude-standard"),
    )
    found = [
        subprocess.run(["git", *c], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        for c in commands
    ]
    return sorted(set("\n".join(found).split()))


def nearest_to(files: Iterable[str], root: Path = ROOT) -> list[str]:
    """The files and folders of tests for changed files, none of them inside another."""
    texts = {path: path.read_text() for path in sorted((root / "tests").rglob("test_*.py"))}
    found = set(ALWAYS)
    for file in files:
        path = Path(file)
        if path.parts[0] == "tests":
            is_test = path.name.startswith("test_") and path.suffix == ".py"
            found.add(file if is_test else path.parent.as_posix())
        elif path.parts[:2] == ("penstock", "_src") and path.suffix == ".py":
            found.update(_of_module(path, root, texts))
    found.discard("tests")  # what all tests share
    return sorted(t for t in found if not any(p.as_posix() in found for p in Path(t).parents))


def _of_module(path: Path, root: Path, texts: dict[Path, str]) -> set[str]:
    """The tests of a file of the package."""
    inside = path.parent.relative_to("penstock/_src")
    while not (root / "tests" / inside).is_dir():
        inside = inside.parent
    files = (root / "tests" / inside).glob("test_*.py") if inside.parts else ()
    found = {test.relative_to(root).as_posix() for test in files}
    module = re.escape(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    folder, _, name = module.rpartition("\\.")
    imported = re.compile(rf"\b{module}\b|\b{folder} import [^\n]*\b{name}\b")
    found |= {t.relative_to(root).as_posix() for t, text in texts.items() if imported.search(text)}
    if ops_of([path.as_posix()]):
        found.update(OF_OPS)
    if path.parts[2] in OF_PROGRAMS:
        found.add(RANDOM)
    return found


def ops_of(files: Iterable[str]) -> list[str]:
    """The ops that files define."""
    modules = {".".join(Path(file).with_suffix("").parts) for file in files}
    return sorted(op for op, module in registry.index().items() if module in modules)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--since", default="HEAD", help="the commit to compare with")
    parser.add_argument("arguments", nargs="*", help="of pytest")
    options = parser.parse_args()
    files = changed(options.since)
    tests, ops = nearest_to(files), ops_of(files)
    arguments = [*options.arguments, *tests]
    if ops and not any(file.startswith(OF_OPS) for file in files):
        arguments.append(f"--ops={','.join(ops)}")
    print(*tests, *ops, sep="\n  ", flush=True)
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])


if __name__ == "__main__":
    main()
