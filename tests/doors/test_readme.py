"""README.md: its programs run as printed, and its figures are those that were measured."""

import importlib.util
import subprocess
import sys

import pytest

from tests.doors.readme import README, Step, steps
from tests.harness.processes import lean

ROOT = README.parent
PAGE = steps(README.read_text())


@pytest.fixture(scope="module")
def headline():
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        spec = importlib.util.spec_from_file_location("headline", ROOT / "bench" / "headline.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(ROOT / "bench"))


def test_programs_run_as_printed(tmp_path):
    variables = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::UserWarning"}
    ran = []
    for step in PAGE:
        if step.file:
            (tmp_path / step.file).write_text(step.text)
            # Without an environment to change, `penstock run` serves for both ways.
            command = [sys.executable, "-m", "penstock", "run", step.file]
            plain = [sys.executable, step.file]
            done = subprocess.run(
                command if "import tensorflow" in step.text else plain,
                cwd=tmp_path, env=lean(variables, step.text), capture_output=True, text=True, timeout=300,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert done.stdout and "Traceback" not in done.stderr
            ran.append(step.file)
    assert {"first.py", "train.py"} <= set(ran)


def test_lines_run_programs_that_the_page_gives():
    given = set()
    for step in PAGE:
        given |= {step.file}
        for word in step.text.split() if not step.file else ():
            assert not word.endswith(".py") or word in given, step


def test_a_program_without_a_name_is_an_error():
    with pytest.raises(ValueError, match="Save this as"):
        steps("```python\nprint(1)\n```\n")
    assert steps("```\nmake\n```\n```sh\na\nb\n```\n") == [Step("a"), Step("b")]


def test_the_plot_and_the_table_show_what_was_measured(headline):
    rows, where = headline.measured()
    assert headline.PICTURE.read_text() == headline.picture(rows, where), "run bench/headline.py"
    page = README.read_text()
    assert page == headline.readme(page, rows, where), "run bench/headline.py"
