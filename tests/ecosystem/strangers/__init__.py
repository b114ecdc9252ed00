"""Libraries by others that were tried: `libraries.toml`, a record each, of which `tools/gen_libraries.py` writes the table of docs/libraries.md."""

import datetime
import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parent / "libraries.toml"
# What a record can say of a library: the numbers are TensorFlow's, it runs (which says nothing about numbers), or it stops.
RESULTS = ("equal", "runs", "stops")


@dataclass(frozen=True)
class Library:
    """A library, and what is known of it.

    Attributes:
      name: of the distribution on PyPI.
      ran: what was run.
      install: how it is installed, after `penstock enable`.
      result: one of RESULTS.
      date: of the last run.
      version: of the library; "" where it was not noted.
      tensorflow: why it stops on TensorFlow 2.21 as well; "" if it does not.
      keras2: whether it ran under TF_USE_LEGACY_KERAS=1.
      example: the programs of `examples/libraries` with it.
    """

    name: str
    ran: str
    install: str
    result: str
    date: datetime.date
    version: str = ""
    tensorflow: str = ""
    keras2: bool = False
    example: str = ""


def records() -> list[Library]:
    """Returns the libraries, by name.

    Raises:
      TypeError: a record lacks a field or has an unknown one.
      ValueError: a result is none of RESULTS, or a library that stops here has no reason.

    Example:
      >>> [library.version for library in records() if library.name == "gpflow"]
      ['2.11.2']
    """
    with TABLE.open("rb") as file:
        found = [Library(**record) for record in tomllib.load(file)["library"]]
    for library in found:
        if library.result not in RESULTS:
            raise ValueError(f"{library.name}: the result {library.result!r} is none of {RESULTS}.")
        if library.tensorflow and library.result != "stops":
            raise ValueError(f"{library.name} stops on TensorFlow alone, which no record can say.")
    return sorted(found, key=lambda library: library.name.lower())
