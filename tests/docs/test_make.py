"""The Makefile's targets: `make help` lists them, and the pages name those that exist."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", MAKEFILE, re.MULTILINE))
OF_CHECKS = set(re.search(r"^CHECKS := (.+)$", MAKEFILE, re.MULTILINE)[1].split())
CHOICES = {
    target: re.search(rf"^{name} := (.+)$", MAKEFILE, re.MULTILINE)[1].split()
    for target, name in (("fuzz", "FUZZERS"), ("interop", "INTEROPS"))
}
LINK = re.compile(
    r"`make (?P<target>[a-z][a-z0-9-]*)(?: (?:[A-Z_]+=\S+ )*?WHICH=(?P<which>\w[\w-]*))?"
)


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_help_has_a_line_for_every_target_and_for_nothing_else():
    listed = re.findall(r"^  ([a-z0-9-]+) +\S", run("help").stdout, re.MULTILINE)
    assert sorted(listed) == sorted(TARGETS - {"help", *OF_CHECKS})


@pytest.mark.parametrize("target", CHOICES)
def test_which_chooses_among_the_values_that_help_names(target):
    (line,) = re.findall(rf"^{target}:.*WHICH=(\S+?),? .*$", MAKEFILE, re.MULTILINE)
    assert line.split("|") == CHOICES[target]
    for choice in CHOICES[target]:
        assert f"tests.{target}" in run("-n", target, f"WHICH={choice}").stdout
    refused = run(target, "WHICH=nosuch")
    assert refused.returncode and "WHICH is one of" in refused.stderr


def test_pages_name_targets_that_exist():
    wrong = [
        f"{page.name}: {found[0]}"
        for page in PAGES
        for found in LINK.finditer(page.read_text())
        if found["target"] not in TARGETS | OF_CHECKS
        or (found["which"] and found["which"] not in CHOICES.get(found["target"], ()))
    ]
    assert not wrong
