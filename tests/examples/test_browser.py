"""The example of a model in the browser: whole, with Chromium where it is installed."""

import shutil

import pytest

from . import lean_running, running


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_the_page_reads_digits_without_a_network(tmp_path):
    pytest.importorskip("ziglang", reason="needs `pip install ziglang` to link WebAssembly")
    pytest.importorskip("playwright", reason="needs `pip install playwright`")
    picture = tmp_path / "page.png"
    run = lean_running.run("browser/digits", "--quick", "--picture", str(picture))
    assert 0.4 <= run.value("accuracy") <= 1.0
    assert run.value("code") <= 65_536
    assert "read as" in run.output and picture.stat().st_size > 5_000


def test_the_example_is_short():
    text = (running.EXAMPLES / "browser" / "digits.py").read_text(encoding="utf-8")
    assert text.count("\n") <= 170 and "Result:" in text
