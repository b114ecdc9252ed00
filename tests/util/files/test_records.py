"""Record files: round trips, compression, and damage."""

import io

import pytest

from penstock._src.util.files import records

TEXTS = [b"", b"x", b"penstock" * 1000]


def written(compression):
    file = io.BytesIO()
    writer = records.RecordFile(file, compression)
    for text in TEXTS:
        writer.write(text)
    writer.flush()
    keep = file.close
    file.close = lambda: None
    writer.close()
    file.close = keep
    return file.getvalue()


@pytest.mark.parametrize("compression", records.COMPRESSIONS)
def test_round_trip(compression):
    data = records.opened(io.BytesIO(written(compression)), compression)
    assert list(records.read_records(data, "f")) == TEXTS


def test_damaged_records_are_named_with_their_offset():
    data = written("")
    with pytest.raises(records.DamagedRecord, match="truncated record at 33"):
        list(records.read_records(io.BytesIO(data[:-1]), "f"))
    with pytest.raises(records.DamagedRecord, match="corrupted record at 33"):
        list(records.read_records(io.BytesIO(data[:-9] + b"y" + data[-8:]), "f"))
    with pytest.raises(records.DamagedRecord, match="Is f even a TFRecord file"):
        list(records.read_records(io.BytesIO(b"not a record file"), "f"))


def test_a_length_that_is_cut_short_ends_the_file():
    """Whoever writes it may not have come further."""
    data = written("")
    for missing in range(1, 12):
        assert list(records.read_records(io.BytesIO(data + data[: 12 - missing]), "f")) == TEXTS


@pytest.mark.parametrize("compression", ["GZIP", "ZLIB"])
def test_damage_of_compressed_files(compression):
    """What comes before the damage is read; noise is no stream."""
    data = written(compression)
    found = records.read_records(records.opened(io.BytesIO(data[:-25]), compression), "f")
    assert [next(found), next(found)] == TEXTS[:2]
    with pytest.raises(records.DamagedRecord, match="truncated record at 33"):
        next(found)
    for damaged in (b"noise" * 10, data[:14] + bytes([data[14] ^ 255]) + data[15:]):
        with pytest.raises(records.DamagedRecord, match="inflate.. failed with error -3"):
            records.opened(io.BytesIO(damaged), compression).read()


def test_streams_of_gzip_follow_one_another():
    twice = records.opened(io.BytesIO(written("GZIP") * 2), "GZIP")
    assert list(records.read_records(twice, "f")) == TEXTS * 2


def test_unknown_compression():
    with pytest.raises(ValueError, match="Unsupported compression type 'LZ'"):
        records.opened(io.BytesIO(), "LZ")
