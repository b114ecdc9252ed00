"""The example of a served model that writes: a short run."""

from . import lean_running


def test_what_is_written_among_others_is_what_is_written_alone():
    run = lean_running.run("serving/writer", "--quick")
    assert run.value("same") == 1 and 1.5 <= run.value("bits") <= 6
    assert all(run.output.count(repr(start)[:-1]) == 1 for start in ("The ", "A class ", "import "))
