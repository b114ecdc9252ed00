"""The page that follows a line of code to its kernel shows what the compiler says today."""

import pathlib
import platform
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="the page shows code for x86-64",
)
@pytest.mark.plain_kernels
def test_from_source_to_kernel_is_fresh():
    check = [sys.executable, str(ROOT / "tools" / "gen_kernel_page.py"), "--check"]
    ran = subprocess.run(check, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
