"""The pages that are generated are what would be generated now."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def test_list_of_ops_is_fresh():
    check = [sys.executable, str(ROOT / "tools" / "gen_docs.py"), "--check"]
    ran = subprocess.run(check, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
