"""The table of public names: the definitions of `penstock.<path>` and `penstock.compat.v1.<path>`.

    @export("math.sigmoid", "nn.sigmoid", "sigmoid")
    def sigmoid(x, name=None): ...

stands at the definition; `tools/gen_api.py` writes the public tree from this table.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from penstock._src.util.dataclass import dataclass

Definition = TypeVar("Definition")


@dataclass(frozen=True)
class Export:
    """Definition of a public object: the name `attribute` in the module `module`."""

    module: str
    attribute: str


V2: dict[str, Export] = {}
V1: dict[str, Export] = {}


def export(*names: str, v1: Sequence[str] | None = None) -> Callable[[Definition], Definition]:
    """Makes the decorated function or class public as `names` (dotted, below `tf.`).

    Args:
      *names: paths in the v2 tree.
      v1: paths in `tf.compat.v1`; by default `names`. An empty list keeps it out of v1.
    """

    def register(definition: Definition) -> Definition:
        target: Any = definition.fget if isinstance(definition, property) else definition
        _add(Export(target.__module__, target.__qualname__), names, v1)
        return definition

    return register


def export_constant(
    name: str | None, value: Any, *more: str, v1: Sequence[str] | None = None
) -> None:
    """Makes a module global (not a function or class) public as `name` and `more` (None: only in v1).

    The global must already be assigned in the calling module; it is found by identity.
    """
    scope = sys._getframe(1).f_globals
    attribute = next((key for key, constant in scope.items() if constant is value), None)
    if attribute is None:
        raise ValueError(f"export_constant: assign the value of '{name}' to a module global first.")
    names = (name, *more) if name is not None else more
    _add(Export(scope["__name__"], attribute), names, v1)


def export_by_name(
    module: str, attribute: str, names: Sequence[str] = (), v1: Sequence[str] | None = None
) -> None:
    """Exports an attribute of a module without importing it; see `export`."""
    _add(Export(module, attribute), names, v1)


def _add(entry: Export, names: Sequence[str], v1: Sequence[str] | None) -> None:
    for name in names:
        V2[name] = entry
    for name in names if v1 is None else v1:
        V1[name] = entry
