"""Records: the blocking of single products, as measured on one kind of machine, in a file that can be shared.

    {"version": 1, "machines": {"znver5 64 2": {"f32,f32->f32 m128 n512 k784 ...": {"depth": 256, "gain": 1.08}}}}

A machine is its processor, the bytes of its vector registers, and the number of threads. What was found on another one is
not used. The file is PENSTOCK_TUNING, or `tuning.json` beside the kernel cache. Records change only which code is
generated, and code is cached by its text: so a new record needs no old kernel to be forgotten.
"""

import contextlib
import functools
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Protocol

from penstock._src.compiler.codegen.contraction.emit import Description
from penstock._src.compiler.codegen.contraction.extents import Arg, Extent
from penstock._src.compiler.codegen.contraction.match import Match
from penstock._src.compiler.codegen.contraction.products.description import Gemm, Matrix
from penstock._src.compiler.codegen.processors import Blocking
from penstock._src.native import Target
from penstock._src.native.cache.places import tuning_file
from penstock._src.util.files.whole import written_whole
from penstock._src.util.flags import flags

log = logging.getLogger("penstock.tuning")

VERSION = 1


def machine(target: Target, threads: int) -> str:
    """The key of records: the machine for which they are valid."""
    return f"{target.cpu} {target.vector_bytes} {threads}"


def _text(extent: Extent) -> str:
    # By position, not by value: one record serves all numbers of an unknown extent.
    return f"?{extent.index}" if isinstance(extent, Arg) else str(extent)


def signature(description: Description) -> str | None:
    """A product's types, extents and strides in one line; None for convolutions and for products of gathered rows."""
    if not isinstance(description, Gemm):
        return None
    gemm, operands = description, []
    for operand in (gemm.left, gemm.right):
        if not isinstance(operand, Matrix):
            return None
        operands.append(",".join(map(_text, (operand.cross, *operand.depth, *operand.batch))))
    types = gemm.types
    return (
        f"{types.left},{types.right}->{types.output} m{_text(gemm.m)} n{_text(gemm.n)} "
        f"k{'*'.join(map(_text, gemm.k))} batch{'*'.join(map(_text, gemm.batch)) or '1'} "
        f"left {operands[0]} right {operands[1]}"
    )


def default_path() -> Path | None:
    """The path of records if PENSTOCK_TUNING names no file."""
    return Path(flags.tuning) if flags.tuning else tuning_file()


class TuningRecords:
    """Blockings by machine and product."""

    def __init__(self, found: Mapping[str, Mapping[str, Blocking]] | None = None):
        self.found = {name: dict(products) for name, products in (found or {}).items()}

    @classmethod
    def read(cls, path: Path) -> "TuningRecords":
        """The records of a file; a ValueError with its name if it is not a file of records."""
        try:
            content = json.loads(path.read_text())
            if content["version"] != VERSION:
                raise ValueError(f"expected version {VERSION}, received {content['version']!r}")
            return cls(
                {
                    name: {product: _blocking(entry) for product, entry in products.items()}
                    for name, products in content["machines"].items()
                }
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} does not hold tuning records: {error}.") from error

    def write(self, path: Path) -> None:
        """Writes the file, by a temporary name."""
        content = {
            "version": VERSION,
            "machines": {
                name: {product: _entry(blocking) for product, blocking in sorted(products.items())}
                for name, products in sorted(self.found.items())
            },
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path, "w") as file:
            json.dump(content, file, indent=1)

    def add(self, target: Target, threads: int, product: str, blocking: Blocking) -> None:
        """Sets a record."""
        self.found.setdefault(machine(target, threads), {})[product] = blocking

    def find(self, match: Match, target: Target, threads: int) -> Blocking | None:
        """The record of a product on a machine, or None."""
        # A signature is written only if there is anything to look up.
        products = self.found.get(machine(target, threads))
        product = signature(match.description) if products else None
        return products.get(product) if products and product else None


def _blocking(entry: Mapping[str, Any]) -> Blocking:
    # Files also have gains, and perhaps fields of other versions.
    known = {field.name for field in fields(Blocking)}
    values = {name: value for name, value in entry.items() if name in known}
    # JSON has lists; a Blocking is hashed with its code's description.
    if values.get("tile"):
        values["tile"] = tuple(values["tile"])
    return Blocking(**values)


def _entry(blocking: Blocking) -> dict[str, Any]:
    plain = asdict(Blocking())
    return {name: value for name, value in asdict(blocking).items() if value != plain[name]}


class Choices(Protocol):
    """The interface by which the planner finds the blocking of a product."""

    def find(self, match: Match, target: Target, threads: int) -> Blocking | None:
        """The blocking to use; None for the default of the target's class."""


_chosen: Choices | None = None


@contextlib.contextmanager
def using(choices: Choices) -> Iterator[None]:
    """Takes blockings from `choices` within the block."""
    global _chosen
    before, _chosen = _chosen, choices
    try:
        yield
    finally:
        _chosen = before


def is_choosing() -> bool:
    """True within `using`."""
    return _chosen is not None


def tuned(match: Match, target: Target, threads: int) -> Match:
    """The contraction with the blocking that is on record for it, if any."""
    blocking = (_chosen or stored()).find(match, target, threads)
    if blocking is None or not isinstance(match.description, Gemm):
        return match
    return replace(match, description=replace(match.description, blocking=blocking))


@functools.cache
def stored() -> TuningRecords:
    """The records on disk, read once. A file that cannot be read is reported and skipped."""
    path = default_path()
    if path is None or not path.exists():
        return TuningRecords()
    try:
        return TuningRecords.read(path)
    except (OSError, ValueError) as error:
        log.warning("tuning records are not used: %s", error)
        return TuningRecords()
