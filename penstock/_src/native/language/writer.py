"""Writer: the lines of a function, and the names of its values."""

from typing import Any

from penstock._src.native.target import Target

from .text import ModuleText
from .types import VOID, constant
from .value import Val


class FunctionWriter:
    """Base of the parts of Fn (arithmetic, memory, control): appends instructions."""

    module: ModuleText
    target: Target
    name: str

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.entry: list[str] = []  # allocas
        self.block, self.serial = "entry", 0

    def name_value(self) -> str:
        self.serial += 1
        return f"%v{self.serial}"

    def fresh(self, hint: str) -> str:
        """A label unique in the function."""
        self.serial += 1
        return f"{hint}{self.serial}"

    def emit(self, ty: str, text: str) -> Any:
        """Appends an instruction; returns its value, or None if `ty` is void."""
        if ty == VOID:
            self.lines.append(text)
            return None
        self.serial += 1
        name = f"%v{self.serial}"
        self.lines.append(f"{name} = {text}")
        return Val(self, ty, name)

    def text(self, x: Any, ty: str) -> str:
        """The text of `x`, a value or a Python number, as type `ty`."""
        return x.s if isinstance(x, Val) else constant(x, ty)
