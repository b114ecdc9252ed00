"""Runs of fuzzers add up in a file, and the page of robustness shows them."""

from tests.fuzz import counts


def test_runs_add_up_and_the_page_shows_them(tmp_path):
    file, page = tmp_path / "counts.json", tmp_path / "page.md"
    counts.add("make fuzz", (0, 9), {"programs": 10}, [counts.find(3, "difference", "a\nb")], file)
    counts.add("make fuzz", (10, 12), {"programs": 3}, [], file)
    counts.add("make fuzz", (40, 41), {"programs": 2}, [counts.find(41, "error", "c")], file)
    page.write_text(f"# Robustness\n\n{counts.BEFORE}\n")
    counts.write(page, file)
    counts.write(page, file)
    row = "| `make fuzz` | 3 | 0 to 12, 40 to 41 | 15 programs | 1 difference (3); 1 error (41) |"
    text = page.read_text()
    assert text.count(row) == 1 and text.index(row) < text.index(counts.BEFORE)


def test_finds_name_files_within_the_project():
    made = counts.find(7, "error", f'File "{counts.ROOT}/tests/fuzz/calls.py",\n line 5')
    assert made["what"] == 'File "tests/fuzz/calls.py", line 5'
