"""Programs on pages run and print what is shown. All of them: `make docs-test`."""

import pytest

from . import blocks, running

# Pages that take a few seconds; each has programs of another kind.
QUICK = ["faq.md", "guides/graphs.md", "index.md"]


@pytest.mark.parametrize("page", QUICK)
def test_programs_of_a_page_do_what_it_says(page):
    problem = running.run(page)
    assert not problem, problem


def test_an_output_that_differs_is_found(tmp_path, monkeypatch):
    page = "```python\nprint(1 + 1)\n```\n\n```output\n3\n```\n"
    (block,) = blocks.blocks(page)
    assert (block.line, block.code, block.output) == (2, "print(1 + 1)\n", "3\n")
    (tmp_path / "page.md").write_text(page)
    problem = running.run(str(tmp_path / "page.md"))
    assert "line 2" in problem and "shown:\n3\n" in problem and "printed:\n2\n" in problem


def test_an_exception_is_found_with_its_line(tmp_path):
    (tmp_path / "page.md").write_text("Words.\n\n```python\n1 / 0\n```\n")
    problem = running.run(str(tmp_path / "page.md"))
    assert 'page.py", line 4' in problem and "ZeroDivisionError" in problem


def test_a_console_command_that_fails_is_found(tmp_path):
    (tmp_path / "page.md").write_text("```console\n$ penstock op NoSuchOp\n```\n")
    assert "NoSuchOp" in running.run(str(tmp_path / "page.md"))


def test_output_with_a_title_is_only_an_example():
    page = '```python\nprint(1)\n```\n\n```output title="For example"\n2\n```\n'
    assert blocks.blocks(page)[0].output is None


def test_every_python_block_of_a_guide_is_run():
    for page in blocks.pages():
        text = blocks.text_of(page)
        fences = text.count("\n```python") + text.count("\n```console")
        assert len(blocks.blocks(text)) == fences, page
