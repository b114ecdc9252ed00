"""Damaged bytes: what was found once, and a few new inputs of the targets that are no files."""

import json
import shutil
from pathlib import Path

import pytest

from tests.fuzz.bytes.packing import unpacked
from tests.fuzz.bytes.smaller import smaller
from tests.fuzz.bytes.targets import TARGETS
from tests.fuzz.files import workers
from tests.fuzz.files.formats import FORMATS
from tests.fuzz.files.judging import judged

CORPUS = Path(__file__).parent / "bytes" / "corpus.jsonl"
FOUND = [json.loads(line) for line in CORPUS.read_text().splitlines()]
NEW = 4  # seeds of each target


@pytest.fixture
def sample(request):
    """A target, and a folder with a sample for it."""
    target = TARGETS[request.param]
    folder = workers.sample(target)
    yield target, folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "sample, at, data",
    [(entry["format"], entry["file"], entry["data"]) for entry in FOUND],
    indirect=["sample"],
    ids=[f"{entry['format']}-{number}" for number, entry in enumerate(FOUND)],
)
def test_what_was_found_is_read_or_refused(sample, at, data):
    target, folder = sample
    expected = target.read(folder)
    workers.files_of(folder)[at].write_bytes(unpacked(data))
    answer = judged(target, folder, expected)
    assert not answer["finding"], answer


@pytest.mark.parametrize("sample", sorted(set(TARGETS) - set(FORMATS)), indirect=True)
def test_damaged_bytes_are_read_or_refused(sample):
    target, folder = sample
    expected = target.read(folder)
    valid = workers.files_of(folder)[0].read_bytes()
    for seed in range(NEW):
        workers.damage(target, folder, seed)
        answer = judged(target, folder, expected)
        workers.files_of(folder)[0].write_bytes(valid)
        assert not answer["finding"], (seed, answer)


def test_inputs_are_made_smaller():
    assert smaller(b"x" * 100 + b"abc" + b"y" * 57, lambda data: b"abc" in data) == b"abc"
    assert len(smaller(bytes(1000), lambda data: True, tries=1)) == 500
