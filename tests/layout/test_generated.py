"""What is generated is what would be generated now: the public tree, its stubs, the list of operations and the table of libraries."""

import json
import subprocess
import sys

import pytest

from tests.harness.processes import lean
from tests.layout.sources import ROOT

# Stubs first: they are made of classes by their own names, which the package hides otherwise.
GENERATORS = ("gen_stubs", "gen_api", "gen_docs", "gen_libraries")
RUNNER = """
import contextlib, io, json, runpy, sys
found = {}
for name in sys.argv[2:]:
    sys.argv[1:] = ["--check"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            runpy.run_path(f"tools/{name}.py", run_name="__main__")
        except SystemExit as end:
            found[name] = [end.code, said.getvalue()]
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def checks(tmp_path_factory) -> dict[str, tuple[int, str]]:
    """The exit status of each generator's `--check`, and what it said."""
    script = tmp_path_factory.mktemp("checks") / "checks.py"
    script.write_text(f"import sys\nsys.path[0] = 'tools'\n{RUNNER}")
    command = [sys.executable, str(script), "-", *GENERATORS]
    ran = subprocess.run(command, cwd=ROOT, env=lean(), capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", GENERATORS)
def test_what_is_generated_is_fresh(name, checks):
    assert checks[name][0] == 0, checks[name][1]
