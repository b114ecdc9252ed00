"""Runs the programs of one page in this process and says where they print something else than the page shows.

python -m tests.docs.child PAGE, in an empty folder.
"""

import contextlib
import doctest
import io
import linecache
import shlex
import subprocess
import sys
import traceback
import types
from pathlib import Path
from typing import Any

from .blocks import Block, blocks, commands, text_of

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def main(page: str) -> int:
    """Runs a page; returns 1 if something differs."""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    found = blocks(text_of(page))
    name = program(page, found)
    for block in found:
        try:
            if block.language == "console":
                problem = _console(block)
            elif block.title:
                Path(block.title).write_text(block.code, encoding="utf-8")
                continue
            else:
                problem = _python(block, name, module.__dict__)
        except Exception:
            problem = traceback.format_exc()
        if problem:
            print(f"docs/{page}, line {block.line}:\n{problem}", file=sys.stderr)
            return 1
    return 0


def program(page: str, found: list[Block]) -> str:
    """Returns the name of a file that holds the page's programs at the page's line numbers, for AutoGraph and tracebacks."""
    name = f"{Path(page).stem}.py"
    lines: list[str] = []
    for block in found:
        if block.language == "python" and not block.title:
            lines += ["\n"] * (block.line - 1 - len(lines)) + block.code.splitlines(keepends=True)
    linecache.cache[name] = (sum(map(len, lines)), None, lines, name)
    return name


def _python(block: Block, name: str, module: dict[str, Any]) -> str | None:
    code = compile("\n" * (block.line - 1) + block.code, name, "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, module)
    return _difference(block.output, printed.getvalue())


def _console(block: Block) -> str | None:
    for command, shown in commands(block.code):
        words = [sys.executable, "-m", *shlex.split(command)]
        ran = subprocess.run(words, capture_output=True, text=True)
        if ran.returncode:
            return f"{command} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
        if shown.strip() and (problem := _difference(shown, ran.stdout)):
            return problem
    return None


def _difference(shown: str | None, printed: str) -> str | None:
    if shown is None or doctest.OutputChecker().check_output(shown, printed, _FLAGS):
        return None
    return f"shown:\n{shown}\nprinted:\n{printed}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
