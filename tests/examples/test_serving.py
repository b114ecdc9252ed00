"""The example of a served model: whole, as it is."""

import shutil

from . import running


def test_all_clients_get_the_models_answers():
    run = running.run("serving/digits", core=False)
    assert 0.85 <= run.value("accuracy") <= 0.98
    programs = [name for name in ("curl", "node") if shutil.which(name)]
    assert run.value("clients") == 1 + len(programs)
    assert "version 2 took over" in run.output


def test_the_example_is_short():
    text = (running.EXAMPLES / "serving" / "digits.py").read_text(encoding="utf-8")
    assert text.count("\n") <= 150 and "Result:" in text
