"""Keys that the user trusts are files that no one else may write."""

import logging
import os

import pytest

from penstock._src.native.cache.packs import trust
from penstock._src.util import flags

KEY = bytes(range(32))


@pytest.fixture
def folder(tmp_path):
    with flags.override(trusted_keys=str(tmp_path / "keys")):
        yield tmp_path / "keys"


def test_no_key_is_trusted_at_first(folder):
    assert not trust.is_trusted(KEY) and not folder.exists()


def test_an_added_key_is_trusted(folder):
    path = trust.trust(KEY)
    assert path.parent == folder and trust.is_trusted(KEY)
    assert not trust.is_trusted(bytes(32))
    path.unlink()
    assert not trust.is_trusted(KEY)


def test_a_key_under_another_name_is_not_trusted(folder):
    path = trust.trust(KEY)
    path.write_text(trust.key_text(bytes(32)))
    assert not trust.is_trusted(KEY)


@pytest.mark.parametrize("text", ["", "penstock-key-1", "penstock-key-1 00", "\xff" * 80])
def test_a_damaged_file_trusts_nothing(folder, text):
    trust.trust(KEY).write_text(text)
    assert not trust.is_trusted(KEY)
    assert trust.key_of(text) is None


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_may_write_is_not_trusted(folder, mode, caplog):
    path = trust.trust(KEY)
    for each in (path, folder):
        before = each.stat().st_mode
        each.chmod(before | mode)
        with caplog.at_level(logging.WARNING, "penstock.native"):
            assert not trust.is_trusted(KEY)
        assert "others may write" in caplog.text
        each.chmod(before)
    assert trust.is_trusted(KEY)
