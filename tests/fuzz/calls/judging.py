"""What is a finding: an error that leaks from inside, ways that differ, a call that takes long or too much memory."""

import contextlib
import re
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import penstock
from penstock._src.core import registry
from penstock._src.core.calls.refusals import is_raised
from penstock._src.core.errors import InternalError, OpError
from tests.fuzz.calls import call as calls
from tests.fuzz.calls import running
from tests.fuzz.calls.running import Outcome
from tests.fuzz.surviving import peak
from tests.harness import static_shapes

SECONDS = 10.0
MEMORY = 2 << 30
PACKAGE = str(Path(penstock.__file__).parent)
# Ops whose results are random, or name what they have made.
RANDOM = re.compile(
    r"Random|Multinomial|Sampler|Shuffle|Anonymous|Handle|Seed|NonDeterministic|Timestamp|Stats"
)
# Relative and absolute closeness of floats by type; extreme values add up in other orders.
CLOSE = {"float64": (1e-7, 1e-9), "float32": (2e-3, 1e-4), "float16": (3e-2, 1e-2), "complex64": (2e-3, 1e-4),
         "complex128": (1e-7, 1e-9)}  # fmt: skip


@contextlib.contextmanager
def _whole_tracebacks() -> Iterator[None]:
    """Leaves Penstock's frames in tracebacks: they say where an error comes from."""
    filtered = penstock.debugging.is_traceback_filtering_enabled()
    penstock.debugging.disable_traceback_filtering()
    try:
        yield
    finally:
        if filtered:
            penstock.debugging.enable_traceback_filtering()


@_whole_tracebacks()
def judged(
    call: dict[str, Any], ways: tuple[str, ...] = ("interpreted", "compiled"), seed: int = 0
) -> dict[str, Any]:
    """Runs a call in all ways.

    Returns:
      outcome: "result" or the class of the error; finding: why it is one, or ""; text: more about it; seconds; and the values
      or the error of the eager call, for a comparison with TensorFlow's (`eager`).
    """
    before = peak(reset=True)
    start = time.process_time()
    built = running.guarded(lambda: Outcome(values=[running.arguments_of(call)]))
    if built.error is not None:  # an argument that cannot be made, which is no call
        return {
            "outcome": "no call",
            "finding": "",
            "text": f"{built.error!r}"[:200],
            "seconds": 0.0,
        }
    (arguments,) = built.values
    with static_shapes.watching() as watcher:
        eager = running.eagerly(call, arguments)
    finding, text = refusal(eager.error, call)
    if not finding and watcher.wrong:
        finding, text = "static shape", "\n".join(watcher.wrong.values())
    outcome = "result" if eager.error is None else type(eager.error).__name__
    if not finding and running.lowers(call) and running.is_small(eager):
        for way in ways:
            other = running.in_function(call, arguments, way, seed, bool(eager.gradients))
            finding, text = refusal(other.error, call)
            if not finding:
                finding, text = difference(call, eager, other)
            if finding:
                finding = f"{way}: {finding}"
                break
    seconds = time.process_time() - start
    if not finding and seconds > SECONDS:
        finding, text = "slow", f"{seconds:.0f} s"
    grown = peak() - before
    if not finding and grown > MEMORY:
        finding, text = "memory", f"{grown >> 20} MiB"
    return {
        "outcome": outcome,
        "finding": finding,
        "text": text,
        "seconds": seconds,
        "eager": eager,
    }


# -- errors ----------------------------------------------------------------------------------------------------------------


def refusal(error: BaseException | None, call: dict[str, Any]) -> tuple[str, str]:
    """(finding, text) about an error."""
    if error is None:
        return "", ""
    text = (
        f"{type(error).__name__}: {error}"[:400]
        + "\n"
        + "".join(traceback.format_tb(error.__traceback__)[-3:])
    )
    where = origin(error)
    if isinstance(error, OpError):
        if "internal:" in str(error) or is_accident(error):
            return f"InternalError at {where}", text
        return (
            ("", "")
            if _names(error, call)
            else (f"{type(error).__name__} without a name at {where}", text)
        )
    if "function" in call and type(error) in (TypeError, ValueError):
        return "", ""  # Python's own for an argument of a wrong kind
    if isinstance(
        error,
        TypeError
        | ValueError
        | LookupError
        | RuntimeError
        | NotImplementedError
        | AttributeError
        | AssertionError,
    ) and is_deliberate(error):
        return "", ""
    return f"{type(error).__name__} at {where}", text


def is_accident(error: OpError) -> bool:
    """Whether an error stands for one that nothing raised on purpose."""
    return isinstance(error, InternalError) and error.__cause__ is not None


def _names(error: OpError, call: dict[str, Any]) -> bool:
    """Whether a message has the op, or is one of a public function's checks."""
    message = str(error)
    return (
        "op" not in call or call["op"] in message or bool(message.strip()) and is_deliberate(error)
    )


def is_deliberate(error: BaseException) -> bool:
    """Whether a statement of Penstock's raises an error, or Python for a call that names a wrong parameter."""
    if is_raised(error.__traceback__):
        return True
    last = traceback.extract_tb(error.__traceback__)[-1]
    return (
        "tests/fuzz/" in last.filename and isinstance(error, TypeError) and "argument" in str(error)
    )


def origin(error: BaseException) -> str:
    """The innermost function of Penstock's that an error comes from."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(PACKAGE)
    ]
    return f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "outside"


# -- differences -----------------------------------------------------------------------------------------------------------


def is_repeatable(call: dict[str, Any]) -> bool:
    """Whether two calls give the same."""
    name = calls.name_of(call)
    if "function" in call:
        return "random" not in name and "shuffle" not in name and "dropout" not in name
    cls = registry.find(name)
    return not RANDOM.search(name) and not cls.effects.effect_free


def difference(call: dict[str, Any], eager: Outcome, other: Outcome) -> tuple[str, str]:
    """(finding, text) about another way's outcome."""
    if not is_repeatable(call):
        return "", ""
    if (eager.error is None) != (other.error is None):
        error = eager.error or other.error
        if other.error is not None and "{{node" in str(other.error):
            return (
                "",
                "",
            )  # refused while the graph is built, as TensorFlow does with more than its kernels refuse
        what = "accepts" if other.error is None else "refuses"
        text = f"{type(error).__name__}: {error}"[:400]
        if other.error is not None:
            text += "\n" + "".join(traceback.format_tb(other.error.__traceback__)[-3:])
        return f"{what} {type(error).__name__}", text
    if eager.error is not None:
        return "", ""
    registered = registry.find(call["op"]) if "op" in call else None
    if registered is not None and registered.stateful:
        return "", ""
    wrong = unequal(eager.values, other.values, numbers=rounds_alike(call))
    if wrong:
        return "values differ", wrong
    if eager.gradients and other.gradients:
        wrong = unequal(eager.gradients, other.gradients, numbers=not is_extreme(call))
        if wrong:
            return "gradients differ", wrong
    return "", ""


def rounds_alike(call: dict[str, Any]) -> bool:
    """Whether the floats of two ways may be compared: sums of extreme numbers overflow or not, by their order."""
    if "op" in call and registry.find(call["op"]).elements.is_elementwise:
        return True
    return not is_extreme(call)


def is_extreme(call: dict[str, Any]) -> bool:
    """Whether sums of a call's numbers may overflow in one order only."""
    return any(1e9 < abs(v) or 0 < abs(v) < 1e-9 or v != v for v in _numbers(call))


def _numbers(data: Any) -> list[float]:
    if isinstance(data, dict):
        data = list(data.values())
    if isinstance(data, list):
        return [v for one in data for v in _numbers(one)]
    return [data] if isinstance(data, float) else []


def unequal(first: list[Any], second: list[Any], numbers: bool = True) -> str:
    """How two lists of host values differ, "" if they do not; floats are only compared if `numbers`."""
    if len(first) != len(second):
        return f"{len(first)} and {len(second)} results"
    for at, (a, b) in enumerate(zip(first, second)):
        if a is None or b is None:
            continue
        if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
            return f"result {at}: {a.dtype}{list(a.shape)} and {b.dtype}{list(b.shape)}"
        if a.dtype.kind in "fc" and not numbers:
            continue
        if a.dtype.kind in "fc":
            relative, absolute = CLOSE.get(a.dtype.name, CLOSE["float32"])
            with np.errstate(all="ignore"):
                size = np.max(np.abs(a[np.isfinite(a)]), initial=0.0)
                same = np.isclose(
                    a, b, rtol=relative, atol=absolute + relative * float(size), equal_nan=True
                )
            if not same.all():
                where = tuple(np.argwhere(~same)[0])
                return f"result {at} at {list(map(int, where))}: {a[where]} and {b[where]}"
        elif a.dtype.kind == "O":
            if list(map(str, a.ravel())) != list(map(str, b.ravel())):
                return f"result {at}: {a} and {b}"[:300]
        elif not np.array_equal(a, b):
            where = tuple(np.argwhere(a != b)[0])
            return f"result {at} at {list(map(int, where))}: {a[where]!r} and {b[where]!r}"
    return ""
