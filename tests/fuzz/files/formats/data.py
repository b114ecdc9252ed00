"""Files that datasets read: records, lines, values separated by commas, snapshots, caches; and event files."""

import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import penstock as tf
from penstock._src.util.files import crc32c
from tests.fuzz.files.formats.format import Format, plain
from tests.fuzz.files.mutating import damaged

RECORDS = [b"", b"one record", bytes(range(256)) * 3, b"x" * 5000]


def elements(dataset: Any) -> Any:
    return [plain(element) for element in dataset.take(100_000)]


def _record_maker(compression: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        with tf.io.TFRecordWriter(str(folder / "records"), compression) as writer:
            for record in RECORDS:
                writer.write(record)

    return make


def _record_reader(compression: str) -> Callable[[Path], Any]:
    return lambda folder: elements(tf.data.TFRecordDataset(str(folder / "records"), compression))


def _with_checksums(choice: random.Random, name: str, data: bytes) -> bytes:
    """Damages the records of a file, whose checksums are right again, and blows up a length."""
    at, parts = 0, []
    while at + 12 <= len(data):
        (size,) = struct.unpack("<Q", data[at : at + 8])
        parts.append(data[at + 12 : at + 12 + size])
        at += 16 + size
    place = choice.randrange(len(parts)) if parts else 0
    made = b""
    for number, part in enumerate(parts):
        size = len(part)
        if number == place and choice.random() < 0.7:
            part = damaged(choice, part or b"\0")
            size = len(part)
        elif number == place:
            size = choice.choice([1 << 20, 1 << 31, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
        length = struct.pack("<Q", size)
        made += length + crc32c.packed(length) + part + crc32c.packed(part)
    return made


def make_events(folder: Path) -> None:
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        tf.summary.scalar("loss", 0.5, 1)
        tf.summary.text("note", "words", 2)
    writer.close()


def read_events(folder: Path) -> Any:
    (path,) = folder.iterdir()
    events = tf.compat.v1.train.summary_iterator(str(path))
    return [[value.tag for value in event.summary.value] for event in events]


def make_saved(folder: Path) -> None:
    tf.data.Dataset.range(5).map(lambda i: (i, tf.strings.as_string(i))).save(str(folder / "data"))


def read_saved(folder: Path) -> Any:
    return elements(tf.data.Dataset.load(str(folder / "data")))


def _snapshot(folder: Path) -> Any:
    path = str(folder / "snapshot")
    return elements(tf.data.Dataset.range(6).map(lambda i: i * 2).snapshot(path))


def _cached(folder: Path) -> Any:
    return elements(tf.data.Dataset.range(6).map(lambda i: i + 1).cache(str(folder / "cache")))


def _text_maker(text: bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "text").write_bytes(text)

    return make


def _compressed(folder: Path) -> None:
    import gzip

    (folder / "text").write_bytes(gzip.compress(b"one\ntwo\n" * 500, mtime=0))


def read_lines(folder: Path) -> Any:
    return elements(tf.data.TextLineDataset(str(folder / "text"), "GZIP"))


def read_fixed(folder: Path) -> Any:
    return elements(tf.data.FixedLengthRecordDataset(str(folder / "text"), 4, 2, 2))


def read_csv(folder: Path) -> Any:
    types = [tf.int32, tf.float32, tf.string]
    return elements(tf.data.experimental.CsvDataset(str(folder / "text"), types, header=True))


def make_csv(folder: Path) -> None:
    rows = "".join(f'{i},{i / 3},"text, {i}"\n' for i in range(30))
    (folder / "text").write_text("a,b,c\n" + rows)


def _vocabulary(folder: Path) -> Any:
    index = tf.lookup.TextFileIndex
    made = tf.lookup.TextFileInitializer(
        str(folder / "text"), tf.string, 0, tf.int64, 1, delimiter=","
    )
    lines = tf.lookup.TextFileInitializer(
        str(folder / "text"), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
    )
    return [int(tf.lookup.StaticHashTable(one, -1).size()) for one in (lines, made)]


REFUSALS = (ValueError,)  # what TensorFlow raises of damaged structures
FORMATS = [
    Format("tfrecord", _record_maker(""), _record_reader(""), exact=True),
    Format("tfrecord_lengths", _record_maker(""), _record_reader(""), mutate=_with_checksums),
    Format("tfrecord_gzip", _record_maker("GZIP"), _record_reader("GZIP"), exact=True),
    Format("tfrecord_zlib", _record_maker("ZLIB"), _record_reader("ZLIB"), exact=True),
    Format("events", make_events, read_events, exact=True),
    Format("events_records", make_events, read_events, mutate=_with_checksums),
    Format("dataset", make_saved, read_saved),
    Format("snapshot", lambda folder: _snapshot(folder) and None, _snapshot),
    Format("cache", lambda folder: _cached(folder) and None, _cached),
    Format("text_gzip", _compressed, read_lines),
    Format("fixed", _text_maker(b"he" + b"ab" * 50 + b"ft"), read_fixed),
    Format("csv", make_csv, read_csv, named=False),
    Format("vocabulary", _text_maker(b"".join(b"w%d,%d\n" % (i, i) for i in range(40))), _vocabulary),
]  # fmt: skip
