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


def test_damage():
    data = written("")
    with pytest.raises(records.DamagedRecord, match="truncated record at 33"):
        list(records.read_records(io.BytesIO(data[:-1]), "f"))
    with pytest.raises(records.DamagedRecord, match="corrupted record at 33"):
        list(records.read_records(io.BytesIO(data[:-9] + b"y" + data[-8:]), "f"))
    with pytest.raises(records.DamagedRecord, match="Is f even a TFRecord file"):
        list(records.read_records(io.BytesIO(b"not a record file"), "f"))


def test_unknown_compression():
    with pytest.raises(ValueError, match="Unsupported compression type 'LZ'"):
        records.opened(io.BytesIO(), "LZ")
