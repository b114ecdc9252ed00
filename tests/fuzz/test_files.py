"""Damaged files: what was found once, and a few new ones of each format."""

import base64
import json
import shutil
import zlib
from pathlib import Path

import pytest

from tests.fuzz.files import workers
from tests.fuzz.files.formats import FORMATS
from tests.fuzz.files.judging import judged

CORPUS = Path(__file__).parent / "files" / "corpus.jsonl"
FOUND = [json.loads(line) for line in CORPUS.read_text().splitlines()]
NEW = 3  # seeds of each format


@pytest.fixture
def sample(request):
    """A format, and a folder with a sample of it."""
    form = FORMATS[request.param]
    folder = workers.sample(form)
    yield form, folder
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "sample, at, data",
    [(entry["format"], entry["file"], entry["data"]) for entry in FOUND],
    indirect=["sample"],
    ids=[f"{entry['format']}-{number}" for number, entry in enumerate(FOUND)],
)
def test_what_was_found_is_refused_by_name(sample, at, data):
    form, folder = sample
    expected = form.read(folder)
    workers.files_of(folder)[at].write_bytes(zlib.decompress(base64.b64decode(data)))
    answer = judged(form, folder, expected)
    assert not answer["finding"], answer


@pytest.mark.parametrize("sample", sorted(FORMATS), indirect=True)
def test_damaged_files_load_or_are_refused_by_name(sample):
    form, folder = sample
    expected = form.read(folder)
    for seed in range(NEW):
        copy = folder.with_name(f"{folder.name}_{seed}") / folder.name
        shutil.copytree(folder, copy)
        workers.damage(form, copy, seed)
        answer = judged(form, copy, expected)
        shutil.rmtree(copy.parent)
        assert not answer["finding"], (seed, answer)
