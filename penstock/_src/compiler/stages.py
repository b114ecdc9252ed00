"""Common handling of the pipeline's stages: each is timed, left out, dumped and counted by its name."""

import sys
import time
from collections.abc import Callable
from typing import Any

from penstock._src.compiler import dump
from penstock._src.ir.function import Function
from penstock._src.ir.verify import verify
from penstock._src.util.flags import flags
from penstock._src.util.process import progress


class Statistics:
    """Counts over the life of the process."""

    functions = 0  # that were compiled


STATISTICS = Statistics()


class Stages:
    """The stages of one function: their times, and the functions that the first of them returned."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seconds: dict[str, float] = {}
        self.functions: list[tuple[str, Function]] = []

    def run(self, name: str, stage: Callable[..., Any], value: Any, *more: Any) -> Any:
        """Runs a stage on the result of the previous one; returns its input unchanged if PENSTOCK_DISABLE names the stage."""
        if name in flags.disable:
            return value
        value = self.timed(name, stage, value, *more)
        self.look_at(name, value)
        return value

    def timed(self, name: str, stage: Callable[..., Any], *arguments: Any) -> Any:
        """Runs a stage and adds its time to the record."""
        progress.note(name)
        start = time.perf_counter()
        result = stage(*arguments)
        self.seconds[name] = time.perf_counter() - start
        return result

    def look_at(self, name: str, result: Any) -> None:
        """Verifies the result of a stage, and reports it to observers."""
        if isinstance(result, Function):
            self.functions.append((name, result))
            if flags.verify:
                verify(result)
        if flags.dump:
            dump.write(self.name, name, result)
        if flags.debug >= 3:
            print(f"-- after {name}\n{result}", file=sys.stderr)
