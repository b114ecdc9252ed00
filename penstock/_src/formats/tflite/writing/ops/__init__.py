"""Operations as TFLite's builtin ops, by family: a function for each type, registered by a decorator.

`../graph.py` describes the arguments of such a function.
"""

import importlib
import pkgutil


def load() -> None:
    """Imports all families."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
