"""The builtin ops, by family: a function for each, registered by a decorator.

`../call.py` describes the argument of such a function.
"""

import importlib
import pkgutil


def load() -> None:
    """Imports all families."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
