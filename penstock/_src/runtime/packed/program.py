"""The program of a record."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.device import Stopped
from penstock._src.core import dtypes
from penstock._src.core.calls import deadlines
from penstock._src.core.errors import DeadlineExceededError
from penstock._src.core.values.arrays import aligned_copy, empty_aligned
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.values import Values
from penstock._src.native import Call
from penstock._src.native.algorithms.sizing import STORE_WORDS, Calculation
from penstock._src.native.runner import LATE
from penstock._src.runtime.arena import ArenaBlock
from penstock._src.runtime.packed.record import Constant, Packing, PlanRecord, Signature
from penstock._src.runtime.signature import OpenSignature, ProgramSignature, result_maker
from penstock._src.runtime.sized import OpenProgram, SizedProgram, SizedTable
from penstock._src.runtime.weight_packer import BYTE, WeightPacker
from penstock._src.util.dataclass import dataclass


class PackedSized(SizedProgram):
    """The program of a record for the extents of a call. It has results, and no reasons: it raises `Stopped` where those of another are asked."""

    def fail(self, code: int, status: np.ndarray) -> None:
        if code == LATE:
            raise DeadlineExceededError(deadlines.MESSAGE)
        # Variables may have new values, so that the section must not run again.
        raise Stopped(f"status {code}", (code, status.copy()) if self._assigned else None)

    def _run(self, arguments: Sequence[Any]) -> list[np.ndarray]:
        return self._run_table(arguments)


@dataclass(eq=False)
class _PackedTable(SizedTable):
    """A table of a record, with the record's checks."""

    checks: Sequence[tuple[int, int]] = ()

    def look_at_conditions(self, arrays: Sequence[np.ndarray]) -> None:
        """Raises Stopped if a check does not hold: the error is that of the lowered program."""
        assert self.program is not None
        offsets = self.program.facts[2:]
        for (is_array, at), offset in zip(self.checks, offsets, strict=False):
            if not bool(arrays[at] if is_array else self.arena[offset + at]):
                raise Stopped("a condition that is checked after the run does not hold")


class PackedProgram(OpenProgram):
    """A record with addresses.

    Args:
      record: of a plan.
      libraries: its codes by their numbers.
      object_of: returns an object of the pack by its number.
    """

    has_direct_calls = False

    kind = PackedSized

    def __init__(
        self,
        record: PlanRecord,
        libraries: Sequence[Any],
        object_of: Callable[[int], bytes],
    ) -> None:
        # Not the record, whose lists take several times the memory of the arrays made of them.
        self.symbols, self.libraries, self.errors = record.symbols, libraries, record.errors
        self._threads, self._streams, self._status = record.threads, record.streams, record.status
        self._arrays = record.signature.count + len(record.signature.results) + len(record.packers)
        self.checks = record.checks
        self.constants = [self._constant(each, object_of) for each in record.constants]
        self.packers = [
            WeightPacker(p.key, p.variable, self._call(p.packing), p.packing.bytes, p.packing.scratch_bytes)
            for p in record.packers
        ]  # fmt: skip
        self.signature = _signature(record.signature, len(record.checks))
        self.free = []
        words = np.array(record.words, np.int64)
        for at, code, function in record.launches:
            words[at] = libraries[code][function]
        for at, number, offset in record.constant_words:
            words[at] = self.constants[number].ctypes.data + offset
        self.words, self.table_words = words, record.table
        self.stores = np.array(record.stores, np.int64).reshape(-1, STORE_WORDS)
        self._calculation = Calculation(record.rows, len(self.symbols), record.facts)

    def _constant(self, constant: Constant, object_of: Callable[[int], bytes]) -> np.ndarray:
        dtype = dtypes.as_dtype(constant.dtype).np
        array = np.frombuffer(object_of(constant.object), dtype).reshape(constant.shape)
        packing = constant.packing
        if packing is None:
            return aligned_copy(array)
        memory, scratch = (
            empty_aligned((n,), BYTE) for n in (packing.bytes, packing.scratch_bytes)
        )
        self._call(packing).run(np.ascontiguousarray(array), memory, scratch)
        return memory

    def _call(self, packing: Packing) -> Call:
        words = np.array(packing.words, np.int64)
        for at, code, function in packing.launches:
            words[at] = self.libraries[code][function]
        return Call(words, 3, packing.patches, threads=self._threads, keep=self.libraries)

    def exhausted(self, extents: Values) -> Exception:
        return Stopped("memory")

    def _bound(self, words: np.ndarray, block: ArenaBlock, stores: np.ndarray) -> SizedTable:
        count = self.table_words
        call = Call(
            words[:count], self._arrays, words[count:], threads=self._threads, streams=self._streams,
            keep=(block, self.constants, self.libraries),
        )  # fmt: skip
        for at, offset in self._status:
            call.table[at] = call.status.ctypes.data + offset
        lock = block.lock
        return _PackedTable(
            None, call, call.run, call.status, block.array, lock.acquire, lock.release, {},
            numbers=words, stores=stores, memory=block, checks=self.checks,
        )  # fmt: skip


def _signature(recorded: Signature, checks: int) -> OpenSignature:
    """The signature with a symbol for each unknown extent; `checks` are made after a run."""

    def shape(extents: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([dims.Dim.symbol(f"d{n}") if type(n) is str else n for n in extents])

    def dtype(name: str) -> np.dtype:
        kind: np.dtype = dtypes.as_dtype(name).np
        return kind

    return OpenSignature(
        ProgramSignature(
            recorded.count,
            tuple([(i, dtype(name), shape(s)) for i, name, s in recorded.arrays]),
            tuple([(i, dtype(name), shape(s), bool(a)) for i, name, s, a in recorded.handles]),
            tuple([i for i, _, _, assigned in recorded.handles if assigned]),
            tuple([result_maker(shape(s), dtype(name)) for name, s in recorded.results]),
        ),
        2 + checks,
    )


def libraries_by_number(
    codes: Sequence[Any], loaded: Mapping[str, Any], record: PlanRecord
) -> list[Any]:
    """The libraries of a record's codes, which must have the functions that it launches.

    Raises:
      KeyError: a function is missing.
    """
    libraries = [loaded[code.key] for code in codes]
    packings = [p.packing for p in record.packers]
    packings += [c.packing for c in record.constants if c.packing is not None]
    for _, number, function in [*record.launches, *[x for p in packings for x in p.launches]]:
        if function not in codes[number].exports:
            raise KeyError(function)
    return libraries
