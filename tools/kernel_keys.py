"""Lists the keys of the kernels that the bench's models compile: `make kernel-keys`.

A key is the hash of a kernel's IR, the processor and the versions of LLVM and Penstock (`native/cache`). A change that is to leave
generated code alone leaves every line that this prints alone: run it before and after, on one machine, and compare by `diff`.

Usage: kernel_keys.py [--suites training,inference] [--cases mlp,lenet]
"""

import argparse
import hashlib
import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from penstock._src.native.cache import ObjectCache

OBJECT_CODE = b"\x7fELF"  # on every system; the cache also holds notes, whose names depend on the times of sources
BENCH = Path(__file__).resolve().parents[1] / "bench"


def line_of(name: str, keys: Iterable[str]) -> str:
    """Returns a name, the number of its keys and their hash, which their order doesn't change."""
    distinct = sorted(set(keys))
    digest = hashlib.sha256("\n".join(distinct).encode()).hexdigest()
    return f"{name} {len(distinct)} {digest[:16]}"


def keys_after(command: Sequence[str]) -> list[str]:
    """Runs a command with an empty cache and returns the keys of the kernels that it compiled.

    Raises:
      CalledProcessError: the command failed; the kernels of a part of it would mislead.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(os.environ, PENSTOCK_CACHE_DIR=folder)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        cache = ObjectCache(folder)
        return [key for key in cache.keys() if (cache.read(key) or b"").startswith(OBJECT_CODE)]


def main() -> None:
    """Prints a line for each case of the suites, then one for all kernels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suites", default="training,inference")
    parser.add_argument("--cases", help="those of the suites that have these names; default: all")
    options = parser.parse_args()
    sys.path.insert(0, str(BENCH))
    known = set()
    for suite in options.suites.split(","):
        cases = importlib.import_module(f"suites.{suite}").CASES
        chosen = options.cases.split(",") if options.cases else list(cases)
        for case in (case for case in cases if case in chosen):
            keys = keys_after([sys.executable, str(BENCH / "child.py"), suite, case, "penstock"])
            known.update(keys)
            print(line_of(f"{suite}/{case}", keys), flush=True)
    print(line_of("all", known))


if __name__ == "__main__":
    main()
