"""`penstock doctor --first-light` on the emulated GPU, and its report of what fails, crashes and hangs."""

import os
import sys

import pytest

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.doctor import main
from penstock._src.bridge.cli.doctor.first_light import calls, command
from penstock._src.bridge.cli.doctor.first_light.findings import Subject, failed, passed
from penstock._src.bridge.cli.doctor.first_light.steps import STEPS, Step

EMULATED = Subject("GPU_emulated", True)


def test_a_model_trains_as_on_the_cpu(tmp_path, capsys):
    path = tmp_path / "report.md"
    asked = ["--first-light", "--emulated", "--only", "train-mlp", "peers", "--out", str(path)]
    assert main(asked) == 0
    assert "0 failures" in capsys.readouterr().out
    text = path.read_text()
    assert "2 of 2 steps passed" in text and "passed: the loss falls" in text
    assert os.listdir(tmp_path) == ["report.md"]


def test_limits_together_are_ten_minutes():
    assert sum(step.limit for step in STEPS.values()) <= 600


def test_without_a_gpu_one_line_says_so(capsys):
    if command.subject_of(False) is not None:
        pytest.skip("this machine has a GPU")
    capsys.readouterr()
    assert main(["--first-light"]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("No GPU can be used: ")


def test_unknown_steps_are_refused():
    with pytest.raises(Refused, match="Received 'tea'"):
        main(["--first-light", "--emulated", "--only", "tea"])


def test_a_wrong_result_is_found(monkeypatch):
    known = calls.calls

    def wrong(tf):
        numbers = iter([1.0, 2.0])
        return {
            "different": lambda x, n: x * next(numbers),
            "refused": lambda x, n: tf.reshape(x, [7]),
            "arithmetic": known(tf)["arithmetic"],
        }

    monkeypatch.setattr(calls, "calls", wrong)
    *failures, last = calls.conformance(EMULATED)
    assert [found.text.split(":")[0] for found in failures] == ["different", "refused"]
    assert {found.level for found in failures} == {"failed"} and last.text.startswith("1 of 3")


PROGRAMS = {
    "crashes": ("import os; os.abort()", "ended with status -6"),
    "hangs": ("import time; time.sleep(60)", "not done after 3 s"),
    "raises": ("raise ValueError('a burnt fuse')", "ended by an error"),
}


@pytest.mark.timed
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_report_goes_on_after_a_step_that(name, monkeypatch, tmp_path):
    program, why = PROGRAMS[name]
    monkeypatch.setitem(STEPS, name, Step(lambda subject: iter([passed("good")]), 1))
    begun = 'print(\'first-light: ["passed", "begun"]\', flush=True); '
    monkeypatch.setattr(
        command, "command_of", lambda step, subject: [sys.executable, "-c", begun + program]
    )
    path = tmp_path / "report.md"
    assert command.report([name], EMULATED, str(path)) == 1
    text = path.read_text()
    assert f"## Failed: {name}" in text and f"- {name}: {why}" in text
    assert "- passed: begun" in text and "Again with:" in text
    assert ("a burnt fuse" in text) == (name == "raises")


def test_a_step_alone_says_if_it_failed(monkeypatch, capsys):
    monkeypatch.setitem(STEPS, "tea", Step(lambda subject: iter([failed("too hot")]), 1))
    assert main(["--first-light", "--emulated", "--step", "tea"]) == 1
    assert '"too hot"' in capsys.readouterr().out
