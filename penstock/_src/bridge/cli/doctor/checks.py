"""The table of checks, by rooms of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from penstock._src.bridge.cli.doctor import cache, environment, gpu, machine, settings, trial
from penstock._src.bridge.cli.doctor.findings import Finding, problem
from penstock._src.util.process.installing import pip_reinstall

Check = Callable[[], Iterable[Finding]]
CHECKS: dict[str, tuple[Check, ...]] = {
    "environment": environment.CHECKS,
    "settings": settings.CHECKS,
    "machine": machine.CHECKS,
    "gpu": gpu.CHECKS,
    "cache": cache.CHECKS,
    "trial": trial.CHECKS,
}


def findings_of(checks: Iterable[Check]) -> Iterator[Finding]:
    """The findings of the checks; a check that fails is a finding itself, and does not end the others."""
    for check in checks:
        try:
            yield from check()
        except Exception as error:
            text = " ".join(str(error).split()) or "no message"
            yield problem(
                f"{check.__name__.replace('_', ' ')}: {type(error).__name__}: {text}",
                f"Mend the problems above first; else: {pip_reinstall()}",
            )
