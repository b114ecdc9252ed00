"""The page of what is not supported is fresh, and refusals are read from the source."""

import subprocess
import sys

from tools import gen_not_supported

from .blocks import ROOT


def test_the_page_of_what_is_not_supported_is_fresh():
    check = [sys.executable, str(ROOT / "tools" / "gen_not_supported.py"), "--check"]
    ran = subprocess.run(check, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_refusals_are_read_from_the_source():
    source = (
        'def f(x):\n    raise UnimplementedError(f"f: {x} of " "one kind.")\n'
        'def g(text):\n    raise UnimplementedError(text)\n    raise ValueError("not this")\n'
    )
    assert gen_not_supported.messages(source) == ["f: … of one kind."]


def test_cases_are_listed_by_the_part_that_refuses_them():
    cases = gen_not_supported.cases()
    assert "**formats**" in cases
    assert not [line for line in cases if line in ("- None", "- …", "- ")]
