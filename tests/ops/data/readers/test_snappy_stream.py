"""Streams compressed by Snappy."""

import io
import random

import numpy as np
import pytest

import penstock as tf
from penstock._src.ops.data.readers import snappy_stream
from penstock._src.ops.data.readers.snappy_stream import SnappyReader, compressed, decompressed
from penstock._src.ops.data.storage import read_elements
from penstock._src.util.files.records import DamagedRecord

DRAWN = random.Random(11)
# Five elements that TensorFlow 2.21 saved: tf.data.Dataset.save(folder, compression="SNAPPY").
WRITTEN = (
    "00000107d103040a00090124aea3bf3a0803120022040110100f14137b0d01093c0000003c37b8340807120022"
    "070673300102109bad675f16011a800000004f61be280801120412020803220cce45243f34c44c3f5c8d253fea"
    "8f291d465d001c01000000947e64304e5d00003101020c8d07c9e3565d003cf4236c3f04b1ba3e60365d3daadf"
    "f782465d001c02000000d14216424e5d00003201020c066924ea565d003cc6e6533fd0fe013f8ab11d3f6e9dfa"
    "3e465d001c030000004ad8656d4e5d00003301020c308b865c565d003cd26b443fc681153f443de73ed0a8e7f3"
    "465d0021750c4bcaf95d4e5d00003401020c989b124a565d003cf8025f3fe016f63d488d7b3ff800928d"
)
SIZES = [*range(70), 1000, 70_000, snappy_stream.BLOCK]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_compressed_comes_back(size):
    texts = [DRAWN.randbytes(size), bytes(DRAWN.choices(b"ab", k=size)), b"x" * size]
    for text in [*texts, (b"words that repeat, " * size)[:size]]:
        assert decompressed(compressed(text)) == text
    assert len(compressed(b"x" * size)) <= 10 + size // 20


def test_all_kinds_of_copies_are_read():
    # A literal, then copies with an offset of one, two and four bytes, the first into itself.
    assert decompressed(b"\x0d\x08abc\x19\x03") == b"abcabcabcabca"
    assert decompressed(b"\x09\x08abc\x0a\x03\x00\x0b\x02\x00\x00\x00") == b"abcabcbcb"


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff" * 6,
        b"\x03\x08ab",
        b"\x04\x00a\x05\x02",
        b"\x02\x00a",
        b"\x05\xf0\xff",
        b"\x80\x80\x80\x80\x08\x00a",
    ],
)
def test_damage(damaged):
    with pytest.raises(DamagedRecord):
        decompressed(damaged)


def test_a_stream_that_is_cut_short():
    block = compressed(b"abc" * 100)
    stream = len(block).to_bytes(4, "big") + block
    assert SnappyReader(io.BytesIO(stream * 2), "a").read() == b"abc" * 200
    for cut in (2, len(stream) - 1):
        with pytest.raises(DamagedRecord, match="^a: a block .* is cut short"):
            SnappyReader(io.BytesIO(stream + stream[:cut]), "a").read()


def test_a_file_that_tensorflow_wrote(tmp_path):
    (tmp_path / "a").write_bytes(bytes.fromhex(WRITTEN))
    numbers, texts, rows = zip(*read_elements(str(tmp_path / "a"), 3, "SNAPPY"), strict=True)
    assert [int(n) for n in numbers] == [0, 1, 2, 3, 4]
    assert [t.item() for t in texts] == [b"s%d" % n * 3 for n in range(5)]
    assert [row.shape for row in rows] == [(3,)] * 5 and rows[4][1] == np.float32(0.12016082)


def test_snapshots_and_saved_datasets(tmp_path):
    dataset = tf.data.Dataset.range(3000).map(lambda n: (n, tf.strings.as_string(n)))
    expected = list(dataset.as_numpy_iterator())
    dataset.save(str(tmp_path / "saved"), compression="SNAPPY")
    loaded = tf.data.Dataset.load(str(tmp_path / "saved"), compression="SNAPPY")
    assert list(loaded.as_numpy_iterator()) == expected
    snapshot = dataset.snapshot(str(tmp_path / "snapshot"))
    assert list(snapshot.as_numpy_iterator()) == expected
    assert list(snapshot.as_numpy_iterator()) == expected
    sizes = [file.stat().st_size for file in (tmp_path / "snapshot").rglob("*.snapshot")]
    assert 0 < sum(sizes) < 3000 * 40
