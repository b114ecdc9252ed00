"""Checks of the GPU: hardware, driver, permission, container, libcuda; and a function that runs there."""

from __future__ import annotations

from collections.abc import Iterator

from penstock._src.bridge.cli.doctor.findings import Finding, note, ok, problem


def graphics() -> Iterator[Finding]:
    """Checks everything that an NVIDIA GPU needs."""
    from penstock._src.devices.gpu.cuda.diagnosis import diagnose  # LLVM may be broken
    from penstock._src.util.flags import flags

    diagnosis = diagnose()
    for fact in diagnosis.facts:
        yield ok(fact)
    is_wanted = flags.device == "GPU"
    if diagnosis.hindrance and is_wanted:
        yield problem(f"PENSTOCK_DEVICE=GPU, but {diagnosis.hindrance}", diagnosis.remedy)
    elif diagnosis.is_absent:
        yield ok(f"{diagnosis.hindrance}: {diagnosis.remedy}")
    elif diagnosis.hindrance:
        yield note(diagnosis.hindrance, diagnosis.remedy)
    elif not is_wanted:
        yield note("functions run on the CPU", "Set PENSTOCK_DEVICE=GPU to run them on the GPU.")


CHECKS = (graphics,)
