"""The routes of docs/adding.md work as printed, each within the room that it names."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "adding.md").read_text()
ROUTES = re.findall(r"^## (.+?): `(.+?)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"```python\n# (.+?)\n(.*?)```", re.DOTALL)


def insert_row(path: Path, table: str, row: str) -> None:
    """Adds a row at the beginning of a table in a file, and the imports above the row before the file's own."""
    imports = "".join(re.findall(r"^from .*\n", row, re.MULTILINE))
    row = row.removeprefix(imports)
    text = re.sub(
        r"^from penstock", f"{imports}from penstock", path.read_text(), count=1, flags=re.M
    )
    opening = re.search(rf"^{table}\b.*? = [({{]\n", text, re.MULTILINE)
    assert opening, f"{path} has no table {table}"
    path.write_text(text[: opening.end()] + row + text[opening.end() :])


def test_there_are_four_routes():
    assert len(ROUTES) == 4


@pytest.mark.parametrize("name, room, text", ROUTES, ids=[name for name, *_ in ROUTES])
def test_a_route_works_within_its_room(name, room, text, tmp_path):
    package = tmp_path / "penstock"
    shutil.copytree(ROOT / "penstock", package, ignore=shutil.ignore_patterns("__pycache__"))
    tried = 0
    for head, code in BLOCK.findall(text):
        row = re.match(r"row of (\w+) in (\S+)", head)
        if head == "try":
            script = tmp_path / "try.py"
            script.write_text(code)
            environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
            ran = subprocess.run([sys.executable, script], env=environment, capture_output=True)
            assert ran.returncode == 0, ran.stderr.decode()
            tried += 1
            continue
        path = row[2] if row else head
        assert path.startswith(room)
        if row:
            insert_row(tmp_path / path, row[1], code)
        else:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(code)
    assert tried == 1
