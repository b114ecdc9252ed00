"""The CPU as a device: its target's kernels, the pool's threads, and programs of one native call."""

import dataclasses
import functools
import logging
from collections.abc import Callable

from penstock._src.compiler.codegen.cpu import CpuGenerator
from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.plan.plan import Plan
from penstock._src.devices.cpu.packed_plans import target_and_threads
from penstock._src.ir.function import Function
from penstock._src.native import Target, host, pool
from penstock._src.native.cache.packs import Pack
from penstock._src.native.cache.packs.pack import MOST_IN_USE
from penstock._src.native.target import level
from penstock._src.runtime.load import load
from penstock._src.runtime.program import Program
from penstock._src.runtime.sized import OpenProgram, load_open
from penstock._src.runtime.watched import is_watched
from penstock._src.util.flags import flags

log = logging.getLogger("penstock.native")


@functools.cache
def generator_for(target: Target) -> CpuGenerator:
    """The cached generator of a target."""
    return CpuGenerator(target)


@functools.cache
def checked_host() -> Target:
    """The CPU of this process, for code that checks its loads and stores."""
    return dataclasses.replace(host(), checked=True)


class CpuDevice:
    """The CPU of this process, or the lesser one that PENSTOCK_CPU names."""

    name, computes = "CPU", True

    @property
    def generator(self) -> CpuGenerator:
        return generator_for(checked_host() if flags.checked else host())

    @property
    def threads(self) -> int:
        return pool().threads

    @property
    def overlaps_streams(self) -> bool:
        # Accesses are held to one list of buffers, and noted in one status.
        return not flags.checked

    @property
    def load_open(self) -> Callable[[Plan], OpenProgram] | None:
        # Each of these looks at single runs of whole programs, which open ones do not have.
        watched = flags.guard or flags.checked or is_watched()
        return None if watched else load_open

    def load(self, plan: Plan) -> Program:
        return load(plan)

    def with_pack(self, pack: Pack) -> "CpuDevice":
        """This CPU for a model with a pack: itself, if the pack has no code for it."""
        if flags.checked or flags.guard:
            return self
        planned = target_and_threads(pack)
        if planned is not None:
            name, threads = planned
            return PackedCpuDevice(_generator_of(pack, name), threads)
        _warn_of_threads(pack, pool().threads)
        return self


class PackedCpuDevice(CpuDevice):
    """The CPU of this process as one for which a pack has code: of a level of processors, with at least as many threads as the pool's."""

    def __init__(self, generator: CpuGenerator, threads: int) -> None:
        self._generator, self._threads = generator, threads

    @property
    def generator(self) -> CpuGenerator:
        return self._generator

    @property
    def threads(self) -> int:
        return self._threads


@functools.lru_cache(MOST_IN_USE)
def _warn_of_threads(pack: Pack, threads: int) -> None:
    most = max(max(numbers, default=0) for numbers in pack.manifest.targets.values())
    log.warning(
        "The pack %s has code for at most %d threads, and the pool has %d: the model is compiled. PENSTOCK_THREADS=%d takes the pack.",
        pack.origin,
        most,
        threads,
        most,
    )


@functools.lru_cache(2 * MOST_IN_USE)
def _generator_of(pack: Pack, name: str) -> CpuGenerator:
    return CpuGenerator(level(name), pack)


DEVICE = CpuDevice()


def build_program(function: Function) -> Program:
    """A function planned for the CPU of this process and loaded."""
    return load(
        plan_function(
            function, DEVICE.generator, DEVICE.threads, overlaps_streams=DEVICE.overlaps_streams
        )
    )
