"""Programs that this user's processes have planned, kept beside their kernels: a later process with the same graph neither lowers nor plans it.

They are kept in the kernel cache under a hash of all that planning depends on: the operations with their attributes and shapes, shapes and types of variables, the
sources of Penstock, versions of NumPy and LLVM, the processor and its caches, and the number of threads. Each program has the conditions on extents under
which it was made, which are checked for each call, as within a process.
"""

import functools
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from penstock._src.compiler.blocks.recorded.contents import content_of
from penstock._src.compiler.blocks.section import Section
from penstock._src.compiler.codegen.names import name_of
from penstock._src.compiler.plan.plan import Plan
from penstock._src.core.errors import OpError
from penstock._src.devices.cpu.packed_plans import RecordedPlan, plans_are_usable
from penstock._src.ir.extents.guards import Recording
from penstock._src.ir.extents.values import Values
from penstock._src.native import NamedCode, host, kernels, pool
from penstock._src.native.cache.sources import OF_PLANS, digest_of
from penstock._src.native.code import libraries, versions
from penstock._src.runtime.packed.program import PackedProgram, libraries_by_number
from penstock._src.runtime.packed.record import PlanRecord, record_of, text_of
from penstock._src.runtime.program import Program

MOST_PLANS = 4  # for a section and shapes of variables


class _Missing(Exception):
    """A kernel of a kept program is not in the cache any more."""


class KeptPlan(RecordedPlan):
    """A program that was kept.

    Args:
      record: the record.
      objects: keys of the constants.
    """

    def __init__(self, record: PlanRecord, objects: Sequence[str]) -> None:
        super().__init__(record)
        self._objects = objects

    def sized(self, extents: Values) -> Any:
        """The program for the extents of a call; None if it is not for these, or is incomplete."""
        try:
            return super().sized(extents)
        except _Missing:
            return None

    def _loaded(self, record: PlanRecord) -> PackedProgram:
        cache = kernels().cache
        codes = [NamedCode(host(), _missing) for _ in record.codes]
        for code, identity in zip(codes, record.codes, strict=True):
            code.name_it(functools.partial(name_of, identity), cache, identity)
        try:
            libraries = libraries_by_number(codes, kernels().load(codes), record)
        except KeyError as error:
            raise _Missing(error) from error
        return PackedProgram(record, libraries, self._content)

    def _content(self, number: int) -> bytes:
        contents = kernels().cache.read(self._objects[number])
        if contents is None:
            raise _Missing(self._objects[number])
        return contents


def _missing() -> NamedCode:
    raise _Missing("code")


def _state() -> str | None:
    """All that planning depends on besides the section; None if it is not known."""
    facts = _SOURCES, versions(), libraries(), host(), pool().threads
    return None if _SOURCES is None else repr(facts)


# Computed when this is loaded, as of kernels: if sources change while this process runs, it still has the old code.
_SOURCES = digest_of(OF_PLANS)


def _place(section: Section, key: str) -> str | None:
    """The key in the cache of the programs for a section; None if they are not kept."""
    if not plans_are_usable() or kernels().cache.folder is None:
        return None
    content, state = content_of(section), _state()
    if content is None or state is None:
        return None
    return hashlib.sha256("\n".join((content, key, state)).encode()).hexdigest()[:40] + "-plans"


def kept_plans(section: Section, key: str) -> list[KeptPlan]:
    """The programs that were kept for a section.

    Args:
      section: the operations.
      key: what else inputs must have in common.
    """
    place = _place(section, key)
    contents = None if place is None else kernels().cache.read(place)
    plans = []
    for entry in [] if contents is None else json.loads(contents):
        try:
            record = record_of(entry["record"].encode(), len(entry["objects"]))
            plans.append(KeptPlan(record, entry["objects"]))
        except (ValueError, KeyError, TypeError, OpError):  # of another form: it is planned again
            continue
    return plans


def keep_plan(section: Section, key: str, form: Any, compiled: Any) -> None:
    """Keeps the program of a section that was planned: for many extents, or for those of the call if it is for no others.

    Args:
      section: the operations.
      key: what else inputs must have in common.
      form: of the block (`Specialized`), one program.
      compiled: the program for the extents of the call (`Compiled`).
    """
    # Only processes that plan need what writes records.
    from penstock._src.compiler.codegen import tuning_records
    from penstock._src.runtime.packed.writing import NotPortable, key_of_packing, portable

    place = _place(section, key)
    planned = _planned(form.only_program.prepared, compiled)
    if place is None or planned is None or tuning_records.is_choosing():
        return
    cache, objects = kernels().cache, list[str]()

    def object_of(content: bytes) -> int:
        name = hashlib.sha256(content).hexdigest()[:40] + "-constant"
        if name not in objects:
            objects.append(name)
            cache.write(name, content)
        return objects.index(name)

    plan, extents = planned
    try:
        with extents:
            record = portable(
                plan, extents, form.form.entries, key, key_of_packing, object_of, True
            )
    except NotPortable:
        return
    entry = {"record": text_of(record).decode(), "objects": objects}
    contents = cache.read(place)
    others = [] if contents is None else [e for e in json.loads(contents) if e != entry]
    cache.write(place, json.dumps([entry, *others][:MOST_PLANS]).encode())


def _planned(prepared: Any, compiled: Any) -> tuple[Plan, Values] | None:
    """The plan of a program and the extents within which it was made: a Recording of its conditions, or numbers; None if no record can be of it."""
    if prepared.plans:
        program = prepared.plans[0]
        return program.plan, Recording(program.extents.symbols, program.all_conditions)
    # Programs of other classes do more in a run than their table: they are watched, or exchange values.
    is_plain = type(compiled.program) is Program and not compiled.program.plan.places
    return (compiled.program.plan, Values(compiled.extents.symbols)) if is_plain else None
