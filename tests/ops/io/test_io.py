"""Assertions, files and decoders."""

import numpy as np
import pytest

import penstock._src.api.load  # noqa: F401
from penstock._src.core.errors import InvalidArgumentError, NotFoundError
from penstock._src.core.registry import raw


def test_an_assertion_shows_its_data():
    data = ["x", np.arange(10), np.array([1.5, 2.0])]
    with pytest.raises(
        InvalidArgumentError, match=r"assertion failed: \[x\] \[0 1 2...\] \[1.5 2\]"
    ):
        raw.Assert(condition=False, data=data, summarize=3)


@pytest.mark.parametrize(
    "value, count, shown",
    [
        ([[0, 1], [2, 3]], 3, "[[0 1][2...]...]"),
        ([[0, 1], [2, 3]], 4, "[[0 1][2 3]]"),
        ([[[0, 1], [2, 3]], [[4, 5], [6, 7]]], 3, "[[[0 1][2...]]...]"),
        ([[[0, 1], [2, 3]], [[4, 5], [6, 7]]], -1, "[[[0 1][2 3]][[4 5][6 7]]]"),
        ([[0], [1]], 1, "[[0]...]"),
        (7, 0, "[...]"),
        (np.zeros((0, 2)), 3, "[]"),
        (["a\n", 'b"'], 3, '[a\\n b\\"]'),
    ],
)
def test_an_assertion_shows_the_rows_of_its_data(value, count, shown):
    with pytest.raises(InvalidArgumentError) as caught:
        raw.Assert(condition=False, data=[value], summarize=count)
    assert f"assertion failed: {shown}" in str(caught.value)


def test_files(tmp_path):
    path = str(tmp_path / "deep" / "file")
    raw.WriteFile(filename=path, contents=b"text")
    assert raw.ReadFile(filename=path).numpy() == b"text"
    assert raw.MatchingFiles(pattern=str(tmp_path / "*" / "*")).numpy().tolist() == [path.encode()]
    with pytest.raises(NotFoundError, match="No such file"):
        raw.ReadFile(filename=path + "s")


def test_records():
    columns = raw.DecodeCSV(
        records=["1,2.5,a", '3,,"b,""c"'], record_defaults=[np.array([0]), np.array([1.0]), [""]]
    )
    assert [c.numpy().tolist() for c in columns] == [[1, 3], [2.5, 1.0], [b"a", b'b,"c']]
    with pytest.raises(InvalidArgumentError, match="Expect 3 fields but have 1 in record 0"):
        raw.DecodeCSV(records=["1"], record_defaults=[np.array([0]), np.array([1.0]), [""]])


def test_raw_bytes():
    assert raw.DecodeRaw(bytes=["abcd"], out_type="int16").numpy().tolist() == [[25185, 25699]]


def test_sound_goes_round():
    audio = np.float32([[0.5], [-1.0], [0.25]])
    found = raw.DecodeWav(contents=raw.EncodeWav(audio=audio, sample_rate=8000))
    np.testing.assert_array_equal(found.audio.numpy(), audio)
    assert found.sample_rate.numpy() == 8000


def test_samples_of_sound_round_halves_away_from_zero_and_stop_at_the_ends():
    """Recorded on TensorFlow."""
    steps = [0.5, 1.5, 2.5, -0.5, -1.5, 32766.5, -32767.5, 32768, 40000, -32768, -40000, 0.49999997]
    file = raw.EncodeWav(audio=np.float32(steps)[:, None] / 32768, sample_rate=8000).numpy()
    expected = [1, 2, 3, -1, -2, 32767, -32768, 32767, 32767, -32768, -32768, 0]
    assert np.frombuffer(file[44:], "<i2").tolist() == expected
