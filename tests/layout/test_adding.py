"""The routes of docs/adding.md work as printed, each within the rooms that it names."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.layout import test_layers
from tests.layout.sources import Tree
from tools import record

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding.md").read_text()
ROUTES = {
    name: (re.findall(r"`(.+?)`", rooms), text)
    for name, rooms, text in re.findall(
        r"^## (.+?): (`[^\n]+`)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL
    )
}
BLOCK = re.compile(r"```python\n# (.+?)\n(.*?)```", re.DOTALL)
HEAD = re.compile(
    r"(?:(?P<end>end of) |row of (?P<table>\w+) in |after `(?P<line>.+)` in )?(?P<path>\S+)$"
)
# Runs the programs below "Try it" in one process, which has imported the package once.
RUNNER = """
import json, runpy, sys, traceback
errors = {}
for path in sys.argv[2:]:
    try:
        runpy.run_path(path)
    except BaseException:
        errors[path] = traceback.format_exc()
open(sys.argv[1], "w").write(json.dumps(errors))
"""


def blocks(text: str) -> tuple[list[tuple[re.Match, str]], list[str]]:
    """Return a route's changes (where, code) and its programs to try."""
    found = BLOCK.findall(text)
    changes = [(HEAD.match(head), code) for head, code in found if head != "try"]
    return changes, [code for head, code in found if head == "try"]


def apply(where: re.Match, code: str, root: Path) -> None:
    """Make a change in a copy of the tree: a new file, or code put into one, with its imports above the file's own."""
    path = root / where["path"]
    if not (where["end"] or where["table"] or where["line"]):
        assert not path.exists(), f"{path} exists already"
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
        return
    text = path.read_text()
    if where["end"]:
        path.write_text(text + code)
        return
    imports = "".join(re.findall(r"^from .*\n", code, re.MULTILINE))
    code = code.removeprefix(imports)
    if where["table"]:
        place = re.search(rf"^{where['table']}\b.*? = [({{]\n", text, re.MULTILINE)
    else:
        place = re.search(rf"^.*{re.escape(where['line'])}.*\n", text, re.MULTILINE)
    assert place, f"{path} has no {where['table'] or where['line']}"
    text = text[: place.end()] + code + text[place.end() :]
    path.write_text(re.sub(r"^from penstock", f"{imports}from penstock", text, count=1, flags=re.M))


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the package to which all routes are applied."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__", "*.pyi")
    shutil.copytree(ROOT / "penstock", root / "penstock", ignore=ignored)
    for _, text in ROUTES.values():
        for where, code in blocks(text)[0]:
            apply(where, code, root)
    return root


@pytest.fixture(scope="module")
def errors(copy) -> dict[str, str]:
    """What the programs below "Try it" raise, by the route's name."""
    scripts = {}
    for number, (name, (_, text)) in enumerate(ROUTES.items()):
        script = copy / f"try_{number}.py"
        script.write_text("\n".join(blocks(text)[1]))
        scripts[str(script)] = name
    command = [sys.executable, "-c", RUNNER, "errors.json", *scripts]
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    ran = subprocess.run(command, env=environment, cwd=copy, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    raised = json.loads((copy / "errors.json").read_text())
    return {scripts[path]: text for path, text in raised.items()}


def test_every_route_is_in_the_table_of_the_page():
    rows = re.findall(r"^\| \[(.+?)\]", PAGE, re.MULTILINE)
    assert [*rows, "Where everything else goes"] == re.findall(r"^## ([^:\n]+)", PAGE, re.MULTILINE)
    assert (
        len(ROUTES) == len(rows) - 1 == 12
    )  # a new version of TensorFlow is no change of the package


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_works_within_its_rooms(name, errors):
    rooms, text = ROUTES[name]
    changes, programs = blocks(text)
    assert changes and len(programs) == 1
    assert all(where["path"].startswith(tuple(rooms)) for where, _ in changes)
    assert name not in errors, errors[name]


def test_the_routes_keep_the_rules_of_layers(copy):
    changes = [where for _, text in ROUTES.values() for where, _ in blocks(text)[0]]
    tree = Tree(copy, files=list({copy / where["path"] for where in changes}))
    assert test_layers.upward_imports(tree) == []
    assert test_layers.imports_of_higher_floors(tree) == []
    assert test_layers.long_files(tree) == []
    assert test_layers.large_folders(copy / "penstock/_src") == {}


@pytest.mark.parametrize("name", record.RECORDERS)
def test_a_recorder_of_tensorflow_writes_files_that_are_there(name):
    recorder = record.RECORDERS[name]
    scripts = re.findall(r"-m (\S+)|\} (\S+\.py)", " ".join(recorder.steps))
    paths = [f"{module.replace('.', '/')}.py" if module else path for module, path in scripts]
    for path in paths:
        assert (ROOT / path).is_file() or (
            ROOT / path.removesuffix(".py") / "__main__.py"
        ).is_file()
    assert recorder.writes and all((ROOT / path).exists() for path in recorder.writes)


def test_every_recorder_in_the_tree_is_run_or_named_on_the_page():
    steps = " ".join(step for each in record.RECORDERS.values() for step in each.steps)
    folders = (ROOT / "tests", ROOT / "tools")
    known = steps + PAGE + "tools/record.py"
    for path in (p for folder in folders for p in folder.rglob("record[._]*py")):
        if "__main__" in path.read_text() or "python tests" in path.read_text():
            name = path.relative_to(ROOT).as_posix()
            assert name in known or name.removesuffix(".py").replace("/", ".") in known, name


def test_a_failing_recorder_is_named_and_the_others_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(record, "ROOT", tmp_path)
    steps = {
        "a": "{tensorflow} -c 'raise SystemExit(3)'",
        "b": "{penstock} -c 'print(7)' > out.txt",
    }
    recorders = {name: record.Recorder((), (step,)) for name, step in steps.items()}
    monkeypatch.setattr(record, "RECORDERS", recorders)
    monkeypatch.setattr(sys, "argv", ["record.py", sys.executable])
    assert record.main() == 1
    assert (tmp_path / "out.txt").read_text() == "7\n" and "failed: a" in capsys.readouterr().err
