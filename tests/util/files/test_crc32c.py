"""CRC-32C against known values and its own plain loop."""

import numpy as np
import pytest

from penstock._src.native.readers.checksum import native_crc32c
from penstock._src.util.files import crc32c as module
from penstock._src.util.files.crc32c import crc32c, mask, masked


def test_known_values():
    assert crc32c(b"") == 0
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43


@pytest.mark.parametrize("size", [0, 1, 255, 256, 511, 1000, 4097, 70_001, 1_000_003])
def test_lanes_agree_with_the_loop(size, monkeypatch):
    monkeypatch.setattr(module, "google_crc32c", None)
    monkeypatch.setattr(module._Native, "extend", None)
    monkeypatch.setattr(module._Native, "load", None)
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    assert crc32c(data) == module._short(data, 0)
    middle = size // 3
    assert crc32c(data[middle:], crc32c(data[:middle])) == crc32c(data)


def test_a_mask_can_be_undone():
    crc = crc32c(b"penstock")
    rotated = (mask(crc) - 0xA282EAD8) & 0xFFFFFFFF  # the constant of TFRecord files
    assert (rotated >> 17 | rotated << 15) & 0xFFFFFFFF == crc
    assert masked(b"penstock") == mask(crc) != crc


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 4097, 70_001])
def test_the_instruction_agrees_with_the_loop(size):
    extend = native_crc32c()
    if extend is None:
        pytest.skip("this CPU has no such instruction")
    data = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    assert extend(data, 0) == module._short(data, 0)
    middle = size // 3
    assert extend(data[middle:], extend(data[:middle], 0)) == extend(data, 0)


def test_the_builtin_checks_its_arguments():
    extend = native_crc32c()
    if extend is None:
        pytest.skip("this CPU has no such instruction")
    for wrong in ((b"",), ("text", 0), (b"", "0")):
        with pytest.raises(TypeError):
            extend(*wrong)


def test_native_code_is_loaded_at_once_for_many_bytes_that_are_expected(monkeypatch):
    loads = []
    for name, value in {"extend": None, "at": None, "summed": 0}.items():
        monkeypatch.setattr(module._Native, name, value)
    monkeypatch.setattr(module, "google_crc32c", None)
    monkeypatch.setattr(module._Native, "load", lambda: loads.append("load"))
    assert crc32c(b"123456789") == 0xE3069283 and not loads
    module.expect(1 << 20)
    assert crc32c(b"123456789") == 0xE3069283 and loads
