"""Python frames in which a debugger sees the user's program: file, function, lines and names are the user's, values the replay's.

A call of one of the user's functions was recorded as its lines, each with the names bound since the line before. From these a function is
compiled that has a statement at each line:

    def call(self, x):                      # the code's file and name are the user's
        (h,) = <step>(0)                    # at the number of the first line; computes its operations
        (y,) = <step>(1)
        return <result>()
"""

from __future__ import annotations

import ast
import contextlib
import sys
import threading
import types
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from penstock._src.core.calls.lines import Activation, Line
from penstock._src.graph.operation import Operation
from penstock._src.observe.debugger import backward
from penstock._src.observe.debugger.scope import Scope
from penstock._src.observe.debugger.snapshot import Snapshot

# Placeholders in a frame's constants for the functions that it calls.
_STEP, _RESULT = "<penstock step>", "<penstock result>"


class _Here(threading.local):
    def __init__(self) -> None:
        self.codes: list[types.CodeType] = []  # code objects of the frames that run in this thread
        self.is_replaying = False


_HERE = _Here()


@contextlib.contextmanager
def replaying() -> Iterator[None]:
    """Within this block a run is repeated in this thread."""
    before, _HERE.is_replaying = _HERE.is_replaying, True
    try:
        yield
    finally:
        _HERE.is_replaying = before


def is_replaying() -> bool:
    """True while a run is repeated in this thread."""
    return _HERE.is_replaying


def stands_for_users(frame: types.FrameType) -> bool:
    """True of a frame that a replay runs in this thread."""
    return any(code is frame.f_code for code in _HERE.codes)


class Watcher(Protocol):
    """Decides where to stop. Frames are replicas of the user's."""

    def computed(
        self,
        op: Operation,
        arguments: Sequence[Any],
        results: Sequence[Any],
        frame: types.FrameType | None,
    ) -> None:
        """Called after each operation."""

    def reached(self, file: str, line: Line, frame: types.FrameType) -> None:
        """Called before each line."""

    def ran(self, line: Line, frame: types.FrameType) -> None:
        """Called after each line."""

    def failed(self, error: Exception, frame: types.FrameType) -> None:
        """Called where an operation raises, in the innermost frame first."""


class Computing(Protocol):
    """The interface of `replay.py`, which computes operations."""

    snapshot: Snapshot

    def advance(self, scope: Scope, moment: int | None) -> None:
        """Computes the operations that are due before a moment of the trace."""

    def compute(self, op: Operation, scope: Scope) -> None:
        """Computes the outputs of an operation."""

    def shown(self, value: Any) -> Any:
        """Returns a value of the user's program with computed tensors in place of symbolic ones."""


class Frames:
    """Runs the frames of a replay."""

    def __init__(self, replay: Computing, watcher: Watcher) -> None:
        self.replay, self.watcher = replay, watcher
        self.running: list[Running] = []
        self._owners: backward.Owners | None = None

    def run(self, activation: Activation, scope: Scope) -> None:
        """Replays a call of a user's function in a graph."""
        if len(activation.lines) < 2:
            return
        Running(self, activation, scope, self._around(activation)).run()

    def _around(self, activation: Activation) -> dict[str, Any]:
        """The names of the function that contains a loop's or branch's body; only AutoGraph makes the body a separate function."""
        caller = activation.caller if activation.is_body else None
        for running in reversed(self.running):
            if running.activation is caller:
                return dict(running.names)
        return {}

    @property
    def innermost(self) -> types.FrameType | None:
        """The frame that runs."""
        return self.running[-1].frame if self.running else None

    def by_lines(
        self, operations: Sequence[Operation]
    ) -> Iterator[tuple[backward.Lines | None, Sequence[Operation]]]:
        """Divides operations into those of gradients, with their lines, and others, with None."""
        if all(op.gradient_of is None for op in operations):
            yield None, operations
            return
        if self._owners is None:
            self._owners = backward.owners(self.replay.snapshot.function.graph)
        yield from backward.by_lines(operations, self._owners)

    def run_backward(self, lines: backward.Lines, scope: Scope) -> None:
        """Runs the gradient of a user's function as a frame."""
        Running(self, lines.activation(), scope, {}, lines).run()


class Running:
    """One frame."""

    def __init__(
        self,
        frames: Frames,
        activation: Activation,
        scope: Scope,
        around: dict[str, Any],
        of_gradient: backward.Lines | None = None,
    ) -> None:
        self.frames, self.activation, self.scope = frames, activation, scope
        self.of_gradient = of_gradient
        self.names = around
        self.frame: types.FrameType | None = None

    def run(self) -> None:
        """Runs the frame."""
        first = self.activation.lines[0]
        self.bind(first)
        around = [name for name in self.names if name not in first.bound]
        code = code_of(self.activation, around)
        constants = {_STEP: self.step, _RESULT: self.result}
        code = code.replace(
            co_consts=tuple(constants.get(c, c) if type(c) is str else c for c in code.co_consts)
        )
        function = types.FunctionType(code, self.activation.names)
        self.frames.running.append(self)
        _HERE.codes.append(code)
        try:
            function(**self.names)
        finally:
            _HERE.codes.pop()
            self.frames.running.pop()

    def step(self, number: int) -> tuple[Any, ...]:
        """Computes a line; returns the values of the names that it has bound."""
        lines = self.activation.lines
        line, following = lines[number], lines[number + 1]
        self.frame = frame = sys._getframe(1)
        watcher = self.frames.watcher
        watcher.reached(self.activation.code.co_filename, line, frame)
        try:
            self.compute(line, following)
        except Exception as error:
            watcher.failed(error, frame)
            raise
        self.bind(following)
        watcher.ran(line, frame)
        return tuple(self.names[name] for name in following.bound)

    def compute(self, line: Line, following: Line) -> None:
        """Computes the operations of a line, in the functions that it calls where these have lines."""
        replay, scope = self.frames.replay, self.scope
        if self.of_gradient is not None:
            for op in self.of_gradient.operations_of[id(line)]:
                replay.compute(op, scope)
            return
        for moment, called in sorted(line.calls, key=lambda call: call[0]):
            replay.advance(scope, moment)
            self.frames.run(called, scope)
        replay.advance(scope, following.moment)

    def bind(self, line: Line) -> None:
        """Takes the values of the names that are bound by the time of a line."""
        for name in line.unbound:
            self.names.pop(name, None)
        for name, value in line.bound.items():
            self.names[name] = self.frames.replay.shown(value)

    def result(self) -> Any:
        """The return value of the function."""
        return self.frames.replay.shown(self.activation.result)


def code_of(activation: Activation, around: Sequence[str] = ()) -> types.CodeType:
    """The code of a frame: a statement for each line. Names in `around` are arguments, too."""
    original = activation.code
    first, *following = activation.lines
    taken = [n for n in original.co_varnames[: original.co_argcount] if n in first.bound]
    others = [n for n in (*first.bound, *around) if n not in taken]
    body: list[ast.stmt] = []
    for number, (line, later) in enumerate(zip(activation.lines, following)):
        body.append(_statement(number, line, later))
        if later.unbound:
            deleted: list[ast.expr] = [ast.Name(name, ast.Del()) for name in later.unbound]
            body.append(_at(ast.Delete(deleted), line.number))
    body.append(_at(ast.Return(_call(_RESULT)), activation.lines[-1].number))
    arguments = ast.arguments(
        posonlyargs=[], args=[ast.arg(name) for name in taken], vararg=None,
        kwonlyargs=[ast.arg(name) for name in others], kw_defaults=[None] * len(others),
        kwarg=None, defaults=[],
    )  # fmt: skip
    definition = ast.FunctionDef("frame", arguments, body, [], None, None)
    definition.type_params = []  # type: ignore[attr-defined]  # required from Python 3.12 on
    module = ast.Module([_at(definition, original.co_firstlineno)], [])
    with warnings.catch_warnings():  # from a constant that is called
        warnings.simplefilter("ignore", SyntaxWarning)
        compiled = compile(module, original.co_filename, "exec", dont_inherit=True)
    (code,) = (c for c in compiled.co_consts if isinstance(c, types.CodeType))
    return code.replace(co_name=original.co_name, co_qualname=original.co_qualname)


def _statement(number: int, line: Line, following: Line) -> ast.stmt:
    call = _call(_STEP, ast.Constant(number))
    names: list[ast.expr] = [ast.Name(name, ast.Store()) for name in following.bound]
    if not names:
        return _at(ast.Expr(call), line.number)
    return _at(ast.Assign([ast.Tuple(names, ast.Store())], call), line.number)


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Constant(function), list(arguments), [])


def _at(statement: ast.stmt, line: int) -> ast.stmt:
    """The statement, wholly on a line of the user's file."""
    for node in ast.walk(statement):
        if "lineno" in node._attributes and not hasattr(node, "lineno"):
            node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
            node.col_offset = node.end_col_offset = 0  # type: ignore[attr-defined]
    return statement
