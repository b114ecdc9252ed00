"""Records of plans, for packs."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from penstock._src.compiler.codegen.names import text_of_key
from penstock._src.compiler.codegen.specials.special import SessionWord
from penstock._src.compiler.plan.buffers import Buffer, memory_of
from penstock._src.compiler.plan.launch_table import Launch, offsets
from penstock._src.compiler.plan.plan import Plan
from penstock._src.compiler.plan.prepacked import PackedConstant, PackedForm
from penstock._src.compiler.plan.sizes import SizingProgram
from penstock._src.core import dtypes
from penstock._src.core.dtypes import as_dtype
from penstock._src.ir.extents import dims
from penstock._src.ir.extents.guards import Bounds, Conditions, Recording
from penstock._src.ir.extents.values import Values
from penstock._src.native import NamedCode
from penstock._src.runtime.binding import TableWords
from penstock._src.runtime.packed.record import (
    Constant,
    Packer,
    Packing,
    PlanRecord,
    Shape,
    Signature,
)
from penstock._src.runtime.signature import OpenSignature, ProgramSignature, signature_of
from penstock._src.runtime.weight_packer import packing_words

MOST_CONSTANT_BYTES = 16 << 20  # of a plan: a pack does not repeat the weights of a frozen model


class NotPortable(Exception):
    """A plan has something that a record cannot have; the message says what."""


class _Words(TableWords):
    """The words of a table, with those of constants as words that are filled in later: (word, constant, bytes to add)."""

    def __init__(self, plan: Plan, sizes: SizingProgram) -> None:
        super().__init__(plan, {}, sizes)
        self.is_closed = not plan.places
        self.constant_words: list[tuple[int, Buffer, int]] = []

    def word(self, argument: Any, at: int) -> int:
        memory, offset = memory_of(argument)
        if isinstance(memory, SessionWord):
            raise NotPortable("an exchange with other processes")
        if not isinstance(memory, Buffer) or memory.place not in ("constant", "arena"):
            return super().word(argument, at)
        if memory.place == "arena" and not self.is_closed:
            return super().word(argument, at)
        if memory.place == "arena":
            assert self.sizes is not None
            self.stores.append((at, self.sizes.register(memory.offset + offset), 1))
        elif dims.is_symbolic(offset):
            raise NotPortable("a position in a constant that depends on extents")
        else:
            self.constant_words.append((at, memory, int(offset)))
        return 0


def portable(
    plan: Plan,
    extents: Values,
    form: Sequence[tuple[tuple[Any, ...], Any]],
    key: str,
    key_of_packing: Callable[[Any], str],
    object_of: Callable[[bytes], int],
    may_assign: bool = False,
) -> PlanRecord:
    """The record of a plan, within its extents.

    Args:
      plan: for any target.
      extents: the Recording within which it was planned, with the conditions of the program; else the numbers for which alone it is.
      form: see PlanRecord.
      key: see PlanRecord.
      key_of_packing: returns a text that differs for keys of packed forms that differ.
      object_of: puts bytes into the pack, and returns the number of the object.
      may_assign: False refuses programs that assign variables.

    Raises:
      NotPortable: it has something that records cannot have.
    """
    signature = signature_of(plan.function)
    _require_portable(plan, form, bool(signature.assigned) and not may_assign)
    names = sorted(extents.symbols)
    sizes = SizingProgram(names)
    checked = [memory_of(buffer) for check, buffer in plan.conditions if not _holds(buffer)]
    open_signature = OpenSignature(signature, 2 + len(checked))
    facts = _facts(plan, sizes, open_signature, [memory for memory, _ in checked])
    codes = _Codes()
    words = _Words(plan, sizes)
    table = words.table(_ZeroAddresses())
    launches = codes.launches(plan.launches)
    patches = words.patch_words(len(table))
    buffers = [buffer for buffer in plan.buffers if buffer.place == "constant"]
    constants = {b: _constant(b.array, plan.threads, codes, object_of) for b in buffers}
    numbers = {buffer: i for i, buffer in enumerate(constants)}
    packers = _packers(plan, codes, key_of_packing)
    sizes.require(_conditions(extents))  # at last: what is decided above is among them
    return PlanRecord(
        name=plan.function.name,
        form=form,
        key=key,
        symbols=tuple(names),
        codes=codes.identities,
        threads=plan.threads,
        streams=plan.streams,
        words=[*table, *patches],
        table=len(table),
        launches=launches,
        status=words.status,
        constants=list(constants.values()),
        constant_words=[
            (at, numbers[buffer], offset) for at, buffer, offset in words.constant_words
        ],
        stores=words.stores,
        rows=sizes.rows,
        facts=facts,
        signature=_signature(signature, open_signature),
        packers=packers,
        errors=len(plan.errors),
        checks=[_check(memory, start, signature.count) for memory, start in checked],
    )


def _require_portable(
    plan: Plan, form: Sequence[tuple[tuple[Any, ...], Any]], assigns: bool
) -> None:
    """Raises NotPortable for anything that a record cannot represent. `assigns`: the program assigns variables, and may not."""
    if assigns:
        raise NotPortable("assigned variables")
    if plan.function.exchanges or plan.guarded:
        raise NotPortable("exchanges")
    if any(read[0] == "bytes" for read, _ in form):
        raise NotPortable("known values of inputs")


def _facts(
    plan: Plan, sizes: SizingProgram, signature: OpenSignature, checked: Sequence[Buffer]
) -> list[int]:
    """The registers of the sizes that a run needs: see PlanRecord.facts."""
    arena = sizes.arrange(plan.places) if plan.places else sizes.register(plan.arena_bytes)
    facts = [arena, sizes.register(signature.result_bytes)]
    nowhere = sizes.register(0)
    for memory in checked:
        in_arena = memory.place == "arena"
        closed = sizes.register(memory.offset) if in_arena and not plan.places else nowhere
        facts.append(sizes.offsets.get(memory, closed))
    return [*facts, *map(sizes.register, signature.extents)]


def _packers(plan: Plan, codes: "_Codes", key_of_packing: Callable[[Any], str]) -> list[Packer]:
    """The packed forms of variables, in the order of their memories."""
    return [
        Packer(key_of_packing(w.key), w.variable, _packing(w, w.memory.size, plan.threads, codes))
        for w in sorted(plan.prepacked, key=lambda w: w.memory.number)
    ]


def _holds(buffer: Any) -> bool:
    """True if a check is of a constant that is true."""
    memory, _ = memory_of(buffer)
    return memory.place == "constant" and bool(memory.array)


def _check(memory: Buffer, start: Any, arguments: int) -> tuple[int, int]:
    """The place of a check's bool, as in PlanRecord."""
    if memory.place == "arena":
        if dims.is_symbolic(start):
            raise NotPortable("a check at a position that depends on extents")
        return 0, int(start)
    if memory.place == "constant":
        raise NotPortable("a check that never holds")
    return 1, memory.number + (arguments if memory.place == "output" else 0)


def _conditions(extents: Values) -> Conditions:
    if isinstance(extents, Recording):
        return extents.conditions
    return {
        dims.Dim.symbol(name).expr: Bounds(number, number)
        for name, number in extents.symbols.items()
    }


class _Codes:
    """The codes of a record, by number."""

    def __init__(self) -> None:
        self.identities: list[str] = []

    def number(self, code: Any) -> int:
        """The number of a code."""
        if not isinstance(code, NamedCode) or not code.identity:
            raise NotPortable("a kernel that only its text identifies")
        if code.identity not in self.identities:
            self.identities.append(code.identity)
        return self.identities.index(code.identity)

    def launches(self, records: Sequence[Any]) -> list[tuple[int, int, str]]:
        """(word, code, function) of the words with functions' addresses."""
        return [
            (at, self.number(record.code), record.function)
            for record, at in offsets(records)
            if isinstance(record, Launch)
        ]


class _ZeroAddresses(dict[str, Mapping[str, int]]):
    """Libraries of functions whose addresses are not known."""

    def __missing__(self, key: str) -> Mapping[str, int]:
        return _Zeros()


class _Zeros(dict[str, int]):
    def __missing__(self, key: str) -> int:
        return 0


def _constant(
    array: Any, threads: int, codes: _Codes, object_of: Callable[[bytes], int]
) -> Constant:
    packing = None
    if isinstance(array, PackedConstant):
        packing = _packing(array, array.code.prepacked_bytes, threads, codes)
        array = array.array
    array = np.asarray(array)
    if array.nbytes > MOST_CONSTANT_BYTES:
        raise NotPortable("large constants")
    number = object_of(np.ascontiguousarray(array).tobytes())
    return Constant(number, as_dtype(array.dtype).name, array.shape, packing)


def _packing(form: PackedForm, size: Any, threads: int, codes: _Codes) -> Packing:
    records, words, patches, scratch = packing_words(form, _ZeroAddresses()[""])
    return Packing(words, codes.launches(records), patches, dims.number(size), scratch)


def _signature(signature: ProgramSignature, opened: OpenSignature) -> Signature:
    numbers = {d.expr: str(i) for i, d in enumerate(opened.extents)}

    def shape(extents: Sequence[Any]) -> Shape:
        return tuple([numbers[d.expr] if dims.is_symbolic(d) else int(d) for d in extents])

    return Signature(
        signature.count,
        [(i, _name(dtype), shape(s)) for i, dtype, s in signature.arrays],
        [(i, _name(dtype), shape(s), int(assigned)) for i, dtype, s, assigned in signature.handles],
        [(_name(dtype), shape(s)) for _, s, dtype in signature.results],
        len(opened.extents),
    )


def key_of_packing(key: Any) -> str:
    """A text that differs for keys of packed forms that differ.

    Raises:
      NotPortable: the form has no permanent name.
    """
    text = text_of_key(key)
    if text is None:
        raise NotPortable("weights whose packed form has no permanent name")
    return hashlib.sha256(text.encode()).hexdigest()


def _name(dtype: np.dtype) -> str:
    return dtypes.as_dtype(dtype).name
