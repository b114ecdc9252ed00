"""Recorder: object code, for several targets, of what is planned while it records."""

import hashlib
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

from penstock._src.aot.packing.signing import Maker
from penstock._src.compiler import pipeline
from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock._src.native import Kernels, NamedCode, kernels
from penstock._src.native.cache.packs.format import Entry, Manifest, sealed
from penstock._src.native.cache.sources import digest_of_contents
from penstock._src.native.code import FORMAT, MODULES, ModuleCode
from penstock._src.native.target import LEVELS, level
from penstock._src.util.dataclass import dataclass
from penstock._src.version import OWN_VERSION

THREADS = (1, 2, 4, 8)


@dataclass(frozen=True)
class Report:
    """What a pack holds.

    programs   programs, for all extents each
    kernels    kernels of all targets and numbers of threads
    objects    distinct objects
    code_bytes their bytes
    left_out   kernels that only their text identifies, which another machine compiles
    """

    programs: int
    kernels: int
    objects: int
    code_bytes: int
    left_out: int


class Recorder:
    """A context in which programs that are planned are planned for each target as well.

    Args:
      targets: names of LEVELS.
      threads: numbers of threads to lay kernels out for; a machine takes the least that is not below its own.

    Raises:
      InvalidArgumentError: a target is not known.
    """

    def __init__(self, targets: Iterable[str] = LEVELS, threads: Iterable[int] = THREADS) -> None:
        self.targets, self.threads = tuple(targets), tuple(sorted(set(threads)))
        unknown = sorted(set(self.targets) - set(LEVELS))
        if unknown or not self.targets:
            raise InvalidArgumentError(
                None,
                None,
                f"targets: expected some of {', '.join(LEVELS)}. Received {', '.join(unknown) or 'none'}.",
            )
        if not self.threads or self.threads[0] < 1:
            raise InvalidArgumentError(
                None, None, f"threads: expected numbers from 1 on. Received {self.threads}."
            )
        self._generators = [CpuGenerator(level(name)) for name in self.targets]
        self._codes: dict[str, NamedCode] = {}
        self._left_out: set[str] = set()
        self._programs = 0

    def __enter__(self) -> "Recorder":
        pipeline.PLAN_OBSERVERS.append(self._observe)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pipeline.PLAN_OBSERVERS.remove(self._observe)

    def _observe(self, prepared: pipeline.Prepared) -> None:
        self._programs += 1
        for generator in self._generators:
            for threads in self.threads:
                for code in prepared.planned_elsewhere(generator, threads).codes:
                    self._add(code)

    def _add(self, code: Any) -> None:
        if isinstance(code, NamedCode) and code.identity:
            self._codes.setdefault(code.identity, code)
        else:
            self._left_out.add(code.key)

    def sealed(self, maker: Maker) -> tuple[bytes, Report]:
        """The bytes of a pack of all that was recorded, and what it holds.

        Raises:
          FailedPreconditionError: the sources of this installation cannot be read.
        """
        sources = digest_of_contents(kernels().cache)
        if sources is None:
            raise FailedPreconditionError(
                None,
                None,
                "The sources of this installation cannot be read, which a pack has to name.",
            )
        cache = kernels().cache
        modules = [
            ModuleCode(write, arguments, cache, level(name))
            for write, arguments in list(MODULES)
            for name in self.targets
        ]
        codes: Sequence[NamedCode] = [*self._codes.values(), *modules]
        content = Kernels(cache).objects(codes)  # not the process's: what is loaded has no object
        numbers: dict[bytes, int] = {}
        entries = {
            code.identity: Entry(
                numbers.setdefault(content[code.key], len(numbers)), code.exports, repr(code.facts)
            )
            for code in codes
        }
        objects = list(numbers)
        table = [(hashlib.sha256(each).hexdigest(), len(each)) for each in objects]
        threads = dict.fromkeys(self.targets, self.threads)
        manifest = Manifest(FORMAT, OWN_VERSION, sources, threads, table, entries)
        data = sealed(manifest, objects, maker.key, maker.sign)
        size = sum(map(len, objects))
        report = Report(self._programs, len(entries), len(objects), size, len(self._left_out))
        return data, report
