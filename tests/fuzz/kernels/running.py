"""A case interpreted and compiled, and what came of it."""

from dataclasses import replace

import numpy as np

from penstock._src.compiler.device import current_device
from penstock._src.compiler.pipeline import plan_function
from penstock._src.core.values.device_array import DeviceArray
from penstock._src.ir import interpreter
from penstock._src.ir.extents.values import Values
from penstock._src.ir.function import Function
from penstock._src.util import flags
from tests.fuzz.kernels.case import Case
from tests.fuzz.kernels.making import Maker

# Largest error, as a part of the largest element: sums are exact, what is rounded is a Winograd tile or a narrow type.
CLOSE = {"float32": 2e-5, "float64": 1e-12, "bfloat16": 3e-2, "float16": 4e-3}


def failure(case: Case) -> str | None:
    """Returns what is wrong with a case, or None."""
    with Values({}):
        return _failure(case)


def _failure(case: Case) -> str | None:
    function, arrays, on_the_way = Maker(case).function()
    whole = replace(function, results=(*function.results, *on_the_way))
    with np.errstate(all="ignore"):
        everything, _ = interpreter.run(whole, arrays)
    wanted = everything[: len(function.results)]
    size = max([1.0, *map(_largest, everything)])  # sums cancel, what they rounded stays
    try:
        with flags.override(verify=1, **case.options):
            found = _computed(function, [a.copy() for a in arrays])
    except Exception as error:  # whatever it is, it is the find
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    for i, (f, w) in enumerate(zip(found, wanted, strict=True)):
        text = _difference(np.asarray(f), np.asarray(w), case.dtype, size)
        if text:
            return f"result {i}: {text}"
    return None


def _computed(function: Function, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The results of the program that the device of PENSTOCK_DEVICE makes of a function."""
    device = current_device()
    plan = plan_function(
        function, device.generator, device.threads, overlaps_streams=device.overlaps_streams
    )
    results = device.load(plan).run(arrays)
    return [x.on_host() if isinstance(x, DeviceArray) else x for x in results]


def _largest(x: np.ndarray) -> float:
    x = np.asarray(x).astype(np.float64)
    return float(np.max(np.abs(x[np.isfinite(x)]), initial=0))


def _difference(found: np.ndarray, wanted: np.ndarray, dtype: str, size: float) -> str | None:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"{found.dtype}{list(found.shape)} instead of {wanted.dtype}{list(wanted.shape)}"
    if not wanted.size:
        return None
    close = max(CLOSE.get(wanted.dtype.name, 0), CLOSE.get(dtype, 0))
    f, w = found.astype(np.float64), wanted.astype(np.float64)
    same = (f == w) | (np.isnan(f) & np.isnan(w))
    if same.all():
        return None
    with np.errstate(all="ignore"):
        away = np.where(same, 0, np.abs(f - w))
    if not float(np.max(away)) <= close * size:
        return (
            f"differs by {np.nanmax(away):.3g} of {size:.3g}, in {int(np.sum(~same))} of {w.size}"
        )
    return None
