"""The public names of symbols: `tensorflow.python.util.tf_export`.

Penstock's own names are in the table of `util/export.py`; what other packages export is kept apart from it.
"""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any

from penstock._src.bridge.names.identities import home_of
from penstock._src.util.export import V1, V2, Export

from . import tf_decorator

_SYMBOLS: dict[str, Any] = {}
# {name of an API: prefix of the attributes with the names of its symbols}
_PREFIXES = {"tensorflow": "_tf", "keras": "_keras"}

# Names that TensorFlow lists before those in `math` and those without a namespace.
_LISTED_FIRST = frozenset(
    "nn.softmax nn.log_softmax nn.softsign dtypes.as_dtype dtypes.complex dtypes.saturate_cast "
    "graph_util.import_graph_def".split()
)


class InvalidSymbolNameError(Exception):
    """A component gives a symbol a name outside of its own namespace."""


class api_export:
    """A decorator that notes the public names of a function or class."""

    def __init__(
        self, *args: str, v1: Any = None, api_name: str = "tensorflow", **options: Any
    ) -> None:
        self._names = args
        self._names_v1 = tuple(v1) if v1 is not None else args
        self._api_name, self._prefix = api_name, _PREFIXES[api_name]
        inside = (name.startswith(api_name) for name in (*self._names, *self._names_v1))
        if api_name != "tensorflow" and not all(inside):
            raise InvalidSymbolNameError("Can only export symbols under package name of component.")

    def __call__(self, func: Any) -> Any:
        """Returns the function or class."""
        _, below = tf_decorator.unwrap(func)
        setattr(below, f"{self._prefix}_api_names", self._names)
        setattr(below, f"{self._prefix}_api_names_v1", self._names_v1)
        _SYMBOLS.update(dict.fromkeys(self._names, func))
        _SYMBOLS.update((f"compat.v1.{name}", func) for name in self._names_v1)
        return func

    def export_constant(self, module_name: str, name: str) -> None:
        """Notes the public names of a constant of a module."""
        module = sys.modules[module_name]
        for attribute, names in (
            (f"{self._prefix}_api_constants", self._names),
            (f"{self._prefix}_api_constants_v1", self._names_v1),
        ):
            if not hasattr(module, attribute):
                setattr(module, attribute, [])
            getattr(module, attribute).append((names, name))


tf_export = api_export
keras_export = functools.partial(api_export, api_name="keras")


def _noted(symbol: Any, attribute: str) -> list[str] | None:
    for noted in (symbol, tf_decorator.unwrap(symbol)[1]):
        if attribute in getattr(noted, "__dict__", {}):
            return list(getattr(noted, attribute))
    return None


def _names(symbol: Any, suffix: str, table: dict[str, Export]) -> list[str]:
    """The names that a symbol has in all APIs."""
    noted = [_noted(symbol, prefix + suffix) for prefix in _PREFIXES.values()]
    if any(names is not None for names in noted):
        return [name for names in noted for name in names or ()]
    below = tf_decorator.unwrap(symbol)[1]
    home = home_of(below) or ""
    # Where Penstock is installed as TensorFlow, classes have TensorFlow's names: they are found by what their module holds.
    namespace = vars(sys.modules[home]) if home in sys.modules else {}
    place = Export(home, getattr(below, "__qualname__", ""))
    return [
        name
        for name, entry in table.items()
        if entry == place or entry.module == home and namespace.get(entry.attribute) is below
    ]


def get_v1_names(symbol: Any) -> list[str]:
    """Returns the public names of a function or class below `tf.compat.v1`."""
    return _names(symbol, "_api_names_v1", V1)


def get_v2_names(symbol: Any) -> list[str]:
    """Returns the public names of a function or class below `tf`."""
    return _names(symbol, "_api_names", V2)


def get_v1_constants(module: Any) -> list[Any]:
    """Returns the constants of a module with their public names below `tf.compat.v1`."""
    return list(getattr(module, "_tf_api_constants_v1", []))


def get_v2_constants(module: Any) -> list[Any]:
    """Returns the constants of a module with their public names below `tf`."""
    return list(getattr(module, "_tf_api_constants", []))


def _place_in_lists(name: str) -> tuple[bool, bool]:
    """Orders the names of a symbol as TensorFlow lists them, the canonical one first."""
    return name not in _LISTED_FIRST, not name.startswith(("io.", "math.", "random."))


def get_canonical_name_for_symbol(
    symbol: Any, api_name: str = "tensorflow", add_prefix_to_v1_names: bool = False
) -> str | None:
    """Returns the first public name of a function or class in an API, "math.add" rather than "add"; None without one."""
    prefix = "compat.v1." if add_prefix_to_v1_names else ""
    noted = _noted(symbol, f"{_PREFIXES[api_name]}_api_names")
    if noted is None and api_name == "tensorflow" and _noted(symbol, "_keras_api_names") is None:
        names, names_v1 = get_v2_names(symbol), get_v1_names(symbol)
    else:
        names = noted or []
        names_v1 = _noted(symbol, f"{_PREFIXES[api_name]}_api_names_v1") or []
    if names:
        return min(names, key=_place_in_lists)
    return next((prefix + name for name in names_v1), None)


def get_canonical_name(api_names: Any, deprecated_api_names: Any) -> str | None:
    """Returns the first of the names that is not deprecated, or else the first deprecated one."""
    fine = [name for name in api_names if name not in deprecated_api_names]
    return next(iter([*fine, *(deprecated_api_names or ())]), None)


def get_symbol_from_name(name: str) -> Any:
    """Returns the object with a public name such as "math.add", or None."""
    if name in _SYMBOLS:
        return _SYMBOLS[name]
    value: Any = importlib.import_module("penstock")
    for part in name.removeprefix("tf.").split("."):
        value = getattr(value, part, None)
        if value is None:
            return None
    return value
