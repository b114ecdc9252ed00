"""`penstock env`: what a bug report should contain."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence

from penstock._src.bridge.cli.arguments import Parser
from penstock._src.version import OWN_VERSION, VERSION

PACKAGES = ("numpy", "llvmlite", "ml_dtypes", "protobuf", "keras", "scipy", "tensorboard")


def main(arguments: Sequence[str]) -> int:
    """Prints what a bug report should contain: versions, processor, threads, kernel cache."""
    Parser("penstock env", main.__doc__).parse_args(arguments)
    from penstock._src.native import host, kernels  # each command imports what it needs
    from penstock._src.native.pool import wanted_threads

    target = host()
    rows = {
        "penstock": f"{OWN_VERSION}, TensorFlow {VERSION}'s API",
        "python": f"{platform.python_version()} on {platform.platform()}",
        "processor": f"{target.cpu} ({target.triple}), vectors of {target.vector_bytes} bytes",
        "threads": f"{wanted_threads()} of {os.cpu_count()} cores",
        "kernels": str(kernels().cache.folder or "not kept"),
    }
    for name in PACKAGES:
        try:
            rows[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            rows[name] = "not installed"
    for name, value in rows.items():
        print(f"{name:12} {value}")
    return 0
