"""`penstock run`: a script or module in which `tensorflow` means Penstock."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import runpy
import sys
from collections.abc import Sequence
from typing import Any

from penstock._src.bridge import tensorflow_alias
from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.examples import text_of

USAGE = """usage: penstock run SCRIPT [ARGUMENT ...]
       penstock run -m MODULE [ARGUMENT ...]

Runs a program in which `import tensorflow` gives Penstock. What follows its name belongs to it. The exit status is the program's."""


def main(arguments: Sequence[str]) -> int:
    """Runs a script or module in which `tensorflow` means Penstock."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(f"{USAGE}\n\n{text_of('run')}")
        return 0
    if not arguments or list(arguments) == ["-m"]:
        raise Refused("expected a script, or -m and a module. Example: penstock run train.py")
    run_program(arguments)
    return 0


def run_program(program: Sequence[str]) -> dict[str, Any]:
    """Runs a program as `__main__`, on Penstock; returns its globals, which live as long as the caller keeps them.

    Args:
      program: a script or `-m` and a module, then its arguments.

    Raises:
      Refused: there is no such program.
    """
    return _run_module(program[1:]) if program[0] == "-m" else _run_script(program)


def _run_module(program: Sequence[str]) -> dict[str, Any]:
    sys.path.insert(0, os.getcwd())
    tensorflow_alias.install()
    _check_module(program[0])
    sys.argv = list(program)
    return runpy.run_module(program[0], run_name="__main__", alter_sys=True)


def _check_module(name: str) -> None:
    """Rejects a name that is not a module, or a package that cannot be run; errors within packages are their own."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            own = importlib.util.find_spec(f"{name}.__main__")
            if own is None and not hasattr(spec.loader, "get_code"):
                raise Refused(f"{name} is a folder of modules and has no __main__.py.")
            if own is None and not name.startswith(tensorflow_alias.ALIAS):
                raise Refused(f"{name} is a package without __main__.py; name one of its modules.")
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        spec = None
    except ValueError:  # a name such as "..x"
        spec = None
    if spec is None:
        raise Refused(f"there is no module {name!r}, neither in {os.getcwd()} nor installed.")


def _run_script(program: Sequence[str]) -> dict[str, Any]:
    script = pathlib.Path(program[0])
    if not script.exists():
        raise Refused(f"there is no file {program[0]!r} in {os.getcwd()}.")
    if script.is_dir() and not (script / "__main__.py").exists():
        raise Refused(f"{program[0]!r} is a folder without __main__.py.")
    if not os.access(script, os.R_OK):
        raise Refused(f"{program[0]!r} may not be read.")
    tensorflow_alias.install(imports=False)
    sys.argv = list(program)
    sys.path.insert(0, str(script.resolve().parent))
    # Absolute, as Python names a script: its source is found after a change of folder, too.
    return runpy.run_path(str(script.absolute()), run_name="__main__")
