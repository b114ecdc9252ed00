"""The command `penstock`: programs, refusals, help."""

import argparse
import importlib
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import penstock as tf
from penstock._src.bridge.cli import commands, examples
from penstock._src.bridge.cli.arguments import Refused
from tests.harness.processes import bare


def python(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=bare("\n".join(path.read_text() for path in Path(cwd).glob("*.py")), cwd),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def test_run_a_script_with_arguments(tmp_path):
    (tmp_path / "helper.py").write_text("import tensorflow as tf\nTWO = tf.constant(2)\n")
    (tmp_path / "program.py").write_text(
        "import sys, tensorflow as tf, helper\n"
        "print(__name__, sys.argv[1:], int(tf.constant(40) + helper.TWO), tf.__name__)\n"
    )
    status, out, err = python("-m", "penstock", "run", "program.py", "--flag", "x", cwd=tmp_path)
    assert (status, out) == (0, "__main__ ['--flag', 'x'] 42 penstock\n"), err


def test_run_a_module(tmp_path):
    (tmp_path / "program.py").write_text(
        "import tensorflow, sys\nprint(sys.argv[1:])\nsys.exit(3)\n"
    )
    status, out, err = python("-m", "penstock", "run", "-m", "program", "a", cwd=tmp_path)
    assert (status, out) == (3, "['a']\n"), err


def test_a_script_that_changes_its_folder_is_traced_from_its_source(tmp_path):
    (tmp_path / "program.py").write_text(
        "import os, tensorflow as tf\nos.chdir('/')\n"
        "@tf.function\ndef positive(x):\n  if x > 0:\n    return x\n  return -x\n"
        "print(int(positive(tf.constant(-3))), os.path.isabs(__file__))\n"
    )
    status, out, err = python("-m", "penstock", "run", "program.py", cwd=tmp_path)
    assert (status, out) == (0, "3 True\n"), err


def test_run_a_tool_of_tensorflow(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "model"))
    command = ("penstock", "run", "-m", "tensorflow.python.tools.saved_model_cli", "show")
    status, out, _ = python("-m", *command, "--dir", "model", cwd=tmp_path)
    assert status == 0 and "serve" in out


def test_errors_of_the_program_are_its_own(tmp_path):
    (tmp_path / "program.py").write_text(
        "import tensorflow as tf\ntf.constant(1) + tf.constant(1.0)\n"
    )
    status, _, err = python("-m", "penstock", "run", "program.py", cwd=tmp_path)
    assert status == 1 and 'program.py", line 2' in err and "InvalidArgumentError" in err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "expected a script"),
        (["-m"], "expected a script"),
        (["none.py"], "there is no file 'none.py'"),
        (["."], "a folder without __main__.py"),
        (["-m", "nosuch"], "there is no module 'nosuch'"),
        (["-m", "nosuch.part"], "there is no module 'nosuch.part'"),
        (["-m", "json.nosuch"], "there is no module 'json.nosuch'"),
        (["-m", "json"], "a package without __main__.py"),
    ],
)
def test_what_run_refuses_in_a_line(tmp_path, monkeypatch, capsys, arguments, reason):
    monkeypatch.chdir(tmp_path)
    assert commands.main(["run", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("penstock run: ") and reason in said and said.count("\n") == 1


def test_a_missing_import_of_the_program_is_its_own_error(tmp_path):
    (tmp_path / "program.py").write_text("import nosuch\n")
    status, _, err = python("-m", "penstock", "run", "-m", "program", cwd=tmp_path)
    assert status == 1 and "No module named 'nosuch'" in err and "line 1" in err


@pytest.mark.parametrize("command", commands.COMMANDS)
def test_every_command_has_help(command, capsys):
    try:
        status = commands.main([command, "--help"])
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr().out
    assert status == 0 and said.startswith(f"usage: penstock {command}")
    assert said.endswith(f"{examples.text_of(command)}\n")


class _Parsed(Exception):
    pass


@pytest.mark.parametrize("command", [name for name in commands.COMMANDS if name != "run"])
def test_examples_of_help_have_options_that_their_command_takes(command, monkeypatch):
    parse_known = argparse.ArgumentParser.parse_known_args

    def parse_args(parser, args=None, namespace=None):
        _, left = parse_known(parser, args, namespace)
        raise Refused(f"{left} are unknown") if left else _Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    for line in examples.EXAMPLES[command]:
        _, name, *words = shlex.split(line)
        if name == command:
            with pytest.raises(_Parsed):
                importlib.import_module(
                    f"penstock._src.bridge.cli.{commands.COMMANDS[name][0]}"
                ).main(words)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["key", "gone/key"], "gone/key: No such file or directory."),
        (["trust", "gone"], "gone: No such file or directory."),
        (["trust", "."], ".: Is a directory."),
        (["predict", "http://localhost:1/v1/models/net", "gone.npy"], "gone.npy: No such file"),
        (["record"], "expected a folder for the recording, then a script"),
        (["record", "runs"], "expected a folder for the recording, then a script"),
        (["record", "program.py", "program.py"], "program.py: File exists."),
    ],
)
def test_errors_of_files_are_said_in_words(tmp_path, monkeypatch, capsys, arguments, reason):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.py").write_text("print('run')\n")
    assert commands.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"penstock {arguments[0]}: {reason}")
    assert "Errno" not in captured.err and not captured.out


def test_unknown_commands_and_options_are_one_line(capsys):
    assert commands.main(["tuen"]) == 2
    assert "Did you mean `penstock tune`?" in capsys.readouterr().err
    assert commands.main(["env", "--nosuch"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("penstock env: ") and said.count("\n") == 1


def test_a_damaged_saved_model_is_refused_in_a_line(tmp_path, capsys):
    (tmp_path / "saved_model.pb").write_bytes(b"garbage")
    assert commands.main(["saved-model", "show", "--dir", str(tmp_path), "--all"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("penstock saved-model: Cannot parse file") and said.count("\n") == 1
