"""What is a finding: an error that is no error of TensorFlow's, names no file, or a result that changed in silence."""

import time
import traceback
from pathlib import Path
from typing import Any

from penstock._src.core.errors import OpError, ResourceExhaustedError
from tests.fuzz.files.formats.format import Format
from tests.fuzz.surviving import peak

SECONDS = 10.0  # of processor time: the machine may be busy
SPARE = 100 << 20


def judged(form: Format, folder: Path, expected: Any) -> dict[str, str]:
    """Reads a damaged sample.

    Returns:
      outcome: "loaded" or the class of the error; finding: why it is one, or ""; text: the message and where it was raised.
    """
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    before = peak(reset=True)
    start = time.process_time()
    text = ""
    try:
        found = form.read(folder)
        outcome, finding = "loaded", _difference(form, found, expected)
    except BaseException as error:  # whatever a reader raises is what this looks for
        outcome, finding = type(error).__name__, _refusal(form, error, folder)
        text = f"{error}"[:500] + "\n" + "".join(traceback.format_tb(error.__traceback__)[-4:])
    if time.process_time() - start > SECONDS:
        finding = finding or "slow"
    if peak() - before > 2 * size + SPARE:
        finding = finding or "memory"
    return {"outcome": outcome, "finding": finding, "text": text}


def _difference(form: Format, found: Any, expected: Any) -> str:
    if not form.exact or found == expected:
        return ""
    # Checksums are of single records, which may be missing, repeated or in another order.
    is_of_records = isinstance(found, list) and all(record in expected for record in found)
    return "" if is_of_records else "another result"


def _refusal(form: Format, error: BaseException, folder: Path) -> str:
    if isinstance(error, MemoryError | ResourceExhaustedError):
        return "memory"
    if not isinstance(error, (OpError, *form.errors)):
        return "class"
    names = [path.name for path in (folder, *folder.rglob("*"))]
    message = "\n".join([str(error), *getattr(error, "__notes__", [])])
    if form.named and not any(name in message for name in names):
        return "no file"
    return "" if message.strip() else "no message"
