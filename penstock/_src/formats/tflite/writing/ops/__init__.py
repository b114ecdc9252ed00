"""Operations as TFLite's builtin ops, by family: a function for each type, registered where it stands.

`../graph.py` says what such a function gets.
"""

import importlib
import pkgutil


def load() -> None:
    """Imports all families."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
