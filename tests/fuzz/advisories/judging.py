"""What is a finding: an exception that is none of TensorFlow's or of Python's documented ones, without words, slow or large."""

import time
from typing import Any

from tests.fuzz.advisories.case import Case, call
from tests.fuzz.surviving import peak

SECONDS = 10.0  # of processor time: the machine may be busy
MEMORY = 1 << 30


def judged(tf: Any, case: Case, in_function: bool) -> dict[str, str]:
    """Makes a call.

    Returns:
      outcome: "result" or the class of the error; finding: why it is one, or ""; text: the message.
    """
    before, start = peak(reset=True), time.process_time()
    outcome, finding, text = "result", "", ""
    try:
        tf.nest.map_structure(_read, call(tf, case, in_function))
    except Exception as error:
        outcome, text = type(error).__name__, str(error)
        if not isinstance(error, (tf.errors.OpError, ValueError, TypeError, OSError)):
            finding = "class"
        elif not text.strip():
            finding = "no message"
    if time.process_time() - start > SECONDS:
        finding = finding or "slow"
    if outcome != "ResourceExhaustedError" and peak() - before > MEMORY:
        finding = finding or "memory"
    return {"outcome": outcome, "finding": finding, "text": text[:400]}


def _read(value: Any) -> Any:
    """Waits for a result; values that have no array, such as datasets and resources, are as they are."""
    kind = getattr(getattr(value, "dtype", None), "name", "")
    return (
        value.numpy() if hasattr(value, "numpy") and kind not in ("variant", "resource") else value
    )
