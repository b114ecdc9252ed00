"""The CPU as a device: its target's kernels, the pool's threads, and programs of one native call."""

from __future__ import annotations

from penstock._src.compiler.pipeline import plan_function
from penstock._src.compiler.plan.code_cache import CodeCache
from penstock._src.compiler.plan.plan import Plan
from penstock._src.ir.function import Function
from penstock._src.native import Target, host, pool
from penstock._src.runtime.load import load
from penstock._src.runtime.program import Program

_CODES: dict[Target, CodeCache] = {}  # PENSTOCK_CPU may name another target for a while


def codes_for(target: Target) -> CodeCache:
    """The kernels written for a target so far."""
    return _CODES.setdefault(target, CodeCache(target))


class CpuDevice:
    """The CPU of this process, or the lesser one that PENSTOCK_CPU names."""

    name, computes = "CPU", True

    @property
    def codes(self) -> CodeCache:
        return codes_for(host())

    @property
    def threads(self) -> int:
        return pool().threads

    def load(self, plan: Plan) -> Program:
        return load(plan)


DEVICE = CpuDevice()


def build_program(function: Function, target: Target | None = None) -> Program:
    """A function planned for a target (the CPU of this process by default) and loaded."""
    return load(plan_function(function, codes_for(target or host()), DEVICE.threads))
