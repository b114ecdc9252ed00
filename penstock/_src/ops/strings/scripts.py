"""The script that a character belongs to: Unicode's property Script.

scripts.txt lists where it changes, as `distance:number`: how many code points (hexadecimal) after the last change, and ICU's number of the script from there on.
"""

import functools
import pathlib

import numpy as np

from penstock._src.core.calls.facts import Elements
from penstock._src.core.op import Op

# ICU's answer for numbers that are not code points.
_INVALID = -1


@functools.cache
def script_table() -> np.ndarray:
    """ICU's number of the script of each code point."""
    text = pathlib.Path(__file__).with_name("scripts.txt").read_text("ascii")
    runs = [run.split(":") for run in text.split()]
    firsts = np.cumsum([int(distance, 16) for distance, _ in runs])
    numbers = np.array([int(number) for _, number in runs], np.int16)
    return np.repeat(numbers, np.diff(firsts, append=0x110000))


def scripts_of(points: np.ndarray) -> np.ndarray:
    """ICU's numbers of the scripts of code points."""
    is_point = (points >= 0) & (points <= 0x10FFFF)
    return np.where(is_point, script_table()[np.where(is_point, points, 0)], _INVALID)


class UnicodeScript(Op):
    """ICU's number of the script of each code point."""

    signature = "input: int32 -> output: int32[input]"
    elements = Elements(is_elementwise=True)

    def eager(self, input):
        return scripts_of(input).astype(np.int32)
