"""Runs the programs of a page in a process and a folder of their own."""

import os
import subprocess
import sys
import tempfile

from .blocks import ROOT

SECONDS = 300


def run(page: str) -> str:
    """Returns what is wrong with a page; nothing if its programs do what it says."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {
        "PYTHONPATH": path,
        "MPLBACKEND": "agg",
        "KERAS_BACKEND": "tensorflow",
    }
    # The pages show what users see: without the checks that the tests switch on.
    environment = {k: v for k, v in environment.items() if not k.startswith("PENSTOCK_V")}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.docs.child", page]
        ran = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
    return ran.stderr + ran.stdout if ran.returncode else ""
