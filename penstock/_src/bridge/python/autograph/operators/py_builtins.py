"""Built-in functions that also take tensors: `tensorflow.python.autograph.operators.py_builtins`."""

from __future__ import annotations

import builtins
from typing import Any

from penstock._src.function.autograph.builtins import OVERLOADS

abs_, float_, int_, len_ = (OVERLOADS[function] for function in (abs, float, int, len))
print_, range_, sorted_, next_ = (OVERLOADS[function] for function in (print, range, sorted, next))
enumerate_, zip_ = OVERLOADS[enumerate], OVERLOADS[zip]
map_, filter_ = OVERLOADS[map], OVERLOADS[filter]


def overload_of(f: Any) -> Any:
    """Returns the function that stands for a built-in function, or `f`."""
    return OVERLOADS.get(f, f) if f in vars(builtins).values() else f
