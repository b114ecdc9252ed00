"""Runs the image in containers as the manifests say: `python -m tests.interop.kubernetes [--updates 20] [--image compile] KUBECTL [scene ...]`.

Takes root, Linux's namespaces and control groups, Debian's apt-get, and the image that `make image` builds, or `make small-image KIND=compile`.
"""

import argparse
import functools
import sys
import time

from tests.interop.kubernetes import scenes
from tests.interop.kubernetes.machine import IMAGES, WORK, machine


def main() -> int:
    """Runs the scenes; an error ends them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kubectl", help="the command of that name, which has kustomize")
    parser.add_argument("--updates", type=int, default=20, help="rolling updates under load")
    parser.add_argument(
        "--image",
        choices=IMAGES,
        default="serve",
        help="built by `make image`, or `make small-image`",
    )
    updates = parser.parse_known_args()[0].updates
    every = {
        "life": scenes.life,
        "memory": scenes.memory,
        "ends": scenes.ends,
        "broken": scenes.broken_update,
        "autoscaled": scenes.autoscaled,
        "updates": functools.partial(scenes.rolling_updates, count=updates),
    }
    parser.add_argument("scenes", nargs="*", choices=[*every, []], help="which to run")
    parsed = parser.parse_args()
    for name in parsed.scenes or every:
        begun = time.monotonic()
        with machine(WORK / "run", parsed.kubectl, parsed.image) as on:
            said = every[name](on)
        print(f"{name}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
