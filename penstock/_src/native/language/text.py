"""ModuleText: the text of a module so far; functions add their definitions and declarations."""

from typing import Any

from penstock._src.native.target import Target


class ModuleText:
    """Definitions, and declarations of the functions they call; `exports` are visible outside."""

    def __init__(self, target: Target):
        self.target = target
        self.parts: list[str] = []
        self.declarations: dict[str, tuple[str, str]] = {}
        self.names: set[str] = set()
        self.exports: list[str] = []
        self.layouts: set[str] = set()  # kinds of Python's objects whose fields it reads or writes
        self.code: Any = None  # once it is finished

    def define(self, name: str, internal: bool) -> None:
        """Registers a function under construction; `internal` functions are visible in this module only."""
        if self.code is not None:
            raise ValueError(
                f"native.Module: functions must be defined before the code is finished. Received {name!r}."
            )
        if name in self.names:
            raise ValueError(
                f"native.Module: a function must be defined once. Received {name!r} twice."
            )
        self.names.add(name)
        if not internal:
            self.exports.append(name)

    def declare(self, text: str, name: str | None = None) -> None:
        """Adds a declaration, unless the module has it or a definition of that name."""
        self.declarations.setdefault(name or text, (name or text, text))

    def raw(self, text: str, exports: tuple[str, ...] = ()) -> None:
        """Adds IR text verbatim."""
        self.parts.append(text)
        self.exports.extend(exports)
        self.names.update(exports)

    def __str__(self) -> str:
        declared = [text for name, text in self.declarations.values() if name not in self.names]
        return "\n".join([*declared, *self.parts, self.target.attributes])
