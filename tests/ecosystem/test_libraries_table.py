"""The table of libraries, and the page that is written of it."""

import datetime

import pytest

from tests.ecosystem import strangers
from tests.ecosystem.test_libraries import EXAMPLES
from tools import gen_libraries

DAY = datetime.date(2026, 11, 26)


def library(name, result="runs", **more):
    return strangers.Library(name, "what it does", "`pip install it`", result, DAY, **more)


def test_examples_of_records_exist():
    named = {
        name.strip()
        for each in strangers.records()
        for name in each.example.split(",")
        if each.example
    }
    assert named <= {path.name for path in EXAMPLES.glob("*.py")}


def test_a_library_has_one_record():
    names = [each.name.lower().replace("_", "-") for each in strangers.records()]
    assert len(names) == len(set(names))


def test_libraries_that_stop_on_both_do_not_count():
    libraries = [
        library("a", "equal", version="1.0"),
        library("b", "stops"),
        library("c", "stops", tensorflow="`tf.estimator` is gone"),
    ]
    text = gen_libraries.tables(libraries)
    assert "1 of 2 libraries run, 1 of them" in text
    assert "| a 1.0 | what it does | equal numbers | 2026-11-26 |" in text
    assert "| c | what it does | `tf.estimator` is gone | 2026-11-26 |" in text


def test_what_stands_around_the_tables_stays():
    marked = f"before\n{gen_libraries.START}\nold\n{gen_libraries.END}\nafter\n"
    text = gen_libraries.page(marked, [library("a", keras2=True)])
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "what it does; under `TF_USE_LEGACY_KERAS=1`" in text
    assert gen_libraries.page(text, [library("a", keras2=True)]) == text


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="lacks"):
        gen_libraries.page("nothing", [])


def test_a_record_with_another_result_is_refused(tmp_path, monkeypatch):
    table = tmp_path / "libraries.toml"
    table.write_text(
        '[[library]]\nname = "a"\nran = "b"\ninstall = "c"\nresult = "works"\ndate = 2026-11-26\n'
    )
    monkeypatch.setattr(strangers, "TABLE", table)
    with pytest.raises(ValueError, match="'works' is none of"):
        strangers.records()
