"""Packs are used only whole, signed by a trusted maker, and made by the same sources."""

import io
import random
import struct

import pytest

from penstock._src.native.cache.packs import PackedCode, PackRefused, open_pack, trust
from penstock._src.native.cache.packs import pack as packs_in_use
from penstock._src.native.cache.packs.format import MAGIC, Entry
from penstock._src.util import flags

from .kit import ABI, SOURCES, Signer, pack_of

LENGTH = len(MAGIC)
KEY = LENGTH + 8
SIGNATURE = KEY + 32
MANIFEST = SIGNATURE + 64


@pytest.fixture(autouse=True)
def trusted(tmp_path):
    with flags.override(trusted_keys=str(tmp_path / "keys")):
        trust.trust(Signer().key)
        yield


def opened(data, abi=ABI, sources=SOURCES):
    return open_pack(io.BytesIO(data), "a.pack", abi, sources)


def test_a_pack_has_code_by_identity():
    pack = opened(pack_of())
    assert pack.code("kernel-1") == PackedCode(("task",), (1, "d0"), b"second object")
    assert pack.code("kernel-2") is None
    assert pack.targets == ("x86-64-v3",)


@pytest.mark.parametrize(("pool", "planned"), [(1, 1), (2, 2), (3, 8), (8, 8), (9, None)])
def test_code_is_laid_out_for_at_least_the_threads_of_the_pool(pool, planned):
    assert opened(pack_of()).threads_for("x86-64-v3", pool) == planned


def changed(data, at, content):
    return data[:at] + content + data[at + len(content) :]


GOOD = pack_of()
DAMAGE = {
    "empty": (b"", "not a pack"),
    "another file": (b"\x7fELF" + GOOD, "not a pack"),
    "another version": (changed(GOOD, 14, b"2"), "not a pack of a version"),
    "cut in its head": (GOOD[: MANIFEST - 1], "truncated"),
    "cut in its manifest": (GOOD[: MANIFEST + 5], "truncated"),
    "cut in an object": (GOOD[:-1], "truncated"),
    "a byte more": (GOOD + b"\0", "truncated or damaged"),
    "unsigned": (changed(GOOD, KEY, bytes(96)), "not signed"),
    "signed by a stranger": (pack_of(signer=Signer(2)), "is not trusted"),
    "a stranger's signature": (
        changed(GOOD, SIGNATURE, pack_of(signer=Signer(2))[SIGNATURE:MANIFEST]),
        "signature",
    ),
    "another manifest": (changed(GOOD, MANIFEST + 9, b"X"), "signature"),
    "a long manifest": (changed(GOOD, LENGTH, struct.pack("<Q", 1 << 63)), "truncated or damaged"),
    "another object": (changed(GOOD, len(GOOD) - 3, b"X"), "object 1 is not the one"),
    "objects that do not add up": (
        pack_of((b"first",), objects=[("0" * 64, 1 << 40)]),
        "truncated or damaged",
    ),
    "a code without an object": (
        pack_of((), codes={"kernel-0": Entry(3, (), "()")}),
        "a code has no object",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused_with_its_reason(name):
    data, reason = DAMAGE[name]
    with pytest.raises(PackRefused, match=reason):
        opened(data)


def test_equal_packs_of_a_process_are_one_and_few_are_kept(monkeypatch):
    used = []
    monkeypatch.setattr(packs_in_use, "_in_use", used)
    first = packs_in_use.use_for_process(opened(GOOD))
    assert packs_in_use.use_for_process(opened(pack_of())) is first
    for number in range(packs_in_use.MOST_IN_USE):
        packs_in_use.use_for_process(opened(pack_of((b"code %d" % number,))))
    assert len(used) == packs_in_use.MOST_IN_USE and first not in used


def test_what_a_stranger_wrote_is_not_read():
    file = io.BytesIO(pack_of(signer=Signer(2)) + bytes(1000))
    with pytest.raises(PackRefused, match="is not trusted"):
        open_pack(file, "a.pack", ABI, SOURCES)
    assert file.tell() == MANIFEST


@pytest.mark.parametrize("other", [{"abi": "interface-2"}, {"sources": "6" * 64}])
def test_code_of_other_sources_is_refused(other):
    with pytest.raises(PackRefused, match="other sources"):
        opened(GOOD, **other)


def test_no_damage_of_bytes_goes_unnoticed():
    draw = random.Random(1)
    for case in range(500):
        data = bytearray(GOOD)
        for _ in range(draw.choice((1, 1, 2, 8))):
            data[draw.randrange(len(data))] ^= draw.randrange(1, 256)
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        if bytes(data) != GOOD:
            with pytest.raises(PackRefused):
                opened(bytes(data))
                raise AssertionError(case)
