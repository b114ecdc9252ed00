"""Makes the type stubs of the public tree when an archive of the package is built, by hatchling.

Editable installations need none, and set HATCH_BUILD_NO_HOOKS=true: then the build needs nothing of what stubs are made of.
"""

import pathlib
import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StubsHook(BuildHookInterface[Any]):
    """Runs `tools/gen_stubs.py`, unless the tree is an unpacked source archive, which has the stubs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Makes the stubs before files are collected."""
        root = pathlib.Path(self.root)
        if version == "editable" or (root / "PKG-INFO").exists():
            return
        command = [sys.executable, str(root / "tools" / "gen_stubs.py"), "--package"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"tools/gen_stubs.py failed:\n{done.stdout}{done.stderr}")
