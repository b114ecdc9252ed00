"""The records of the recorder."""

from __future__ import annotations

import json
import pathlib
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Record:
    """One array that a program computed.

    Args:
      kind: "layer", "loss", "gradient" or "variable".
      name: of the layer or variable.
      place: the file and line of the program behind it.
      step: from 1; what layers give before the loss of a step belongs to it.
      dtype, shape: of the array.
      stride: every `stride`-th element is in `sample`.
      sample: elements, as float64.
      largest: the greatest magnitude of the finite elements.
    """

    kind: str
    name: str
    place: str
    step: int
    dtype: str
    shape: tuple[int, ...]
    stride: int
    sample: np.ndarray
    largest: float

    def index(self, at: int) -> tuple[int, ...]:
        """The position in the array of an element of the sample."""
        flat = at * self.stride // (2 if self.dtype.startswith("complex") else 1)
        return tuple(int(n) for n in np.unravel_index(flat, self.shape)) if self.shape else ()


@dataclass(frozen=True)
class Run:
    """All records of a run, and the versions of the libraries in it.

    Args:
      records: in the order in which they were computed.
      versions: of "tensorflow" and "keras".
    """

    records: list[Record]
    versions: dict[str, Any]


def read(path: pathlib.Path, steps: int = 0) -> Run:
    """Reads a file of the recorder; a cut-off end is left out.

    Args:
      path: of the file.
      steps: after how many the program was ended; 0 for none.
    """
    records: list[Record] = []
    versions: dict[str, Any] = {}
    with path.open("rb") as file:
        while (line := file.readline()).endswith(b"\n"):
            head = json.loads(line)
            kind = head.pop("kind")
            if kind == "versions":
                versions = head
                continue
            size = 8 * head.pop("count")
            data = file.read(size)
            if len(data) < size:
                break
            head["shape"] = tuple(head["shape"])
            head["step"] += kind == "layer"
            if not steps or head["step"] <= steps:
                records.append(Record(kind, sample=np.frombuffer(data, np.float64), **head))
    return Run(records, versions)
