"""Bytes that ops decode: images, sounds, examples, messages."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import penstock as tf
from tests.fuzz.files.formats.format import Format, plain
from tests.fuzz.files.mutating import damaged

_PIXELS = (np.arange(24 * 20 * 3) * 7 % 256).astype(np.uint8).reshape(24, 20, 3)


def _writing(data: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / "file").write_bytes(data()) and None


def _reading(decode: Callable[[Any], Any]) -> Callable[[Path], Any]:
    return lambda folder: plain(decode(tf.constant((folder / "file").read_bytes())))


def _shown(value: Any) -> Any:
    return list(value.shape)


def _bmp() -> bytes:
    rows = b"".join(row.tobytes() + b"\0" * (-len(row.tobytes()) % 4) for row in _PIXELS)
    head = struct.pack("<IiiHHIIiiII", 40, 20, 24, 1, 24, 0, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + head + rows


def _gif() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    frames = [Image.fromarray(np.roll(_PIXELS, i, 0)) for i in range(3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


def _wav() -> bytes:
    sound = tf.reshape(tf.sin(tf.range(200, dtype=tf.float32)), [100, 2])
    return tf.audio.encode_wav(sound, 8000).numpy()


def _example() -> bytes:
    feature = {
        "n": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2, 3])),
        "x": tf.train.Feature(float_list=tf.train.FloatList(value=[0.5, 1.5])),
        "s": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"one", b"two"])),
    }
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


FEATURES = {
    "n": tf.io.VarLenFeature(tf.int64),
    "x": tf.io.FixedLenFeature([2], tf.float32),
    "s": tf.io.RaggedFeature(tf.string),
}


def _parse(data: Any) -> Any:
    batch = tf.io.parse_example([data, data], FEATURES)
    single = tf.io.parse_single_example(data, FEATURES)
    return [list(batch["x"].shape), list(single["x"].shape)]


def _sequence() -> bytes:
    steps = [tf.train.Feature(int64_list=tf.train.Int64List(value=[i, i + 1])) for i in range(4)]
    lists = {"t": tf.train.FeatureList(feature=steps)}
    made = tf.train.SequenceExample(feature_lists=tf.train.FeatureLists(feature_list=lists))
    return made.SerializeToString()


def _parse_sequence(data: Any) -> Any:
    wanted = {"t": tf.io.FixedLenSequenceFeature([2], tf.int64)}
    _, lists = tf.io.parse_single_sequence_example(data, sequence_features=wanted)
    return list(lists["t"].shape)


def _tensor() -> bytes:
    return tf.io.serialize_tensor(tf.reshape(tf.range(12), [3, 4])).numpy()


def _parse_tensor(data: Any) -> Any:
    return list(tf.io.parse_tensor(data, tf.int32).shape)


def _json() -> bytes:
    return b'{"features": {"feature": {"n": {"int64List": {"value": ["1", "2"]}}}}}'


def _from_json(data: Any) -> Any:
    return len(tf.io.decode_json_example(data).numpy())


def _decompress(data: Any) -> Any:
    return len(tf.io.decode_compressed(data, "ZLIB").numpy())


def _anywhere(choice: random.Random, name: str, data: bytes) -> bytes:
    return damaged(choice, data)


def _bytes(
    name: str,
    data: Callable[[], bytes],
    decode: Callable[[Any], Any],
    mutate: Callable[[random.Random, str, bytes], bytes] = _anywhere,
) -> Format:
    return Format(name, _writing(data), _reading(decode), named=False, mutate=mutate)


def _png_chunks(choice: random.Random, name: str, data: bytes) -> bytes:
    """Damages a chunk, or says another size; the checksums are right again."""
    at, made = 8, data[:8]
    chunks = []
    while at + 8 <= len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    place = choice.choice([0, 0, choice.randrange(len(chunks))])
    for number, (kind, body) in enumerate(chunks):
        if number == place and number == 0 and choice.random() < 0.6:
            body = struct.pack(">II", *choice.choices([1, 20, 24, 50000, 1 << 31], k=2)) + body[8:]
        elif number == place:
            body = damaged(choice, body or b"\0")
        part = kind + body
        made += struct.pack(">I", len(body)) + part + struct.pack(">I", zlib.crc32(part))
    return made


def _jpeg_sizes(choice: random.Random, name: str, data: bytes) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    sizes = struct.pack(">HH", *choice.choices([1, 20, 24, 5000, 65500, 65535], k=2))
    made = data[:at] + sizes + data[at + 4 :]
    return damaged(choice, made) if choice.random() < 0.5 else made


def _bmp_sizes(choice: random.Random, name: str, data: bytes) -> bytes:
    sizes = struct.pack("<ii", *choice.choices([-1, 0, 1, 20, 24, 65535, 1 << 30, -(1 << 31)], k=2))
    return data[:18] + sizes + data[26:]


def _gif_sizes(choice: random.Random, name: str, data: bytes) -> bytes:
    frame = data.index(b"\x2c\0\0\0\0") + 5
    at = choice.choice([6, frame])
    sizes = struct.pack("<HH", *choice.choices([0, 1, 20, 24, 9000, 65535], k=2))
    made = data[:at] + sizes + data[at + 4 :]
    return damaged(choice, made) if choice.random() < 0.3 else made


FORMATS = [
    _bytes(
        "png_chunks",
        lambda: tf.io.encode_png(_PIXELS).numpy(),
        lambda d: _shown(tf.io.decode_png(d)),
        _png_chunks,
    ),
    _bytes(
        "jpeg_sizes",
        lambda: tf.io.encode_jpeg(_PIXELS).numpy(),
        lambda d: _shown(tf.io.decode_jpeg(d)),
        _jpeg_sizes,
    ),
    _bytes("bmp_sizes", _bmp, lambda d: _shown(tf.io.decode_bmp(d)), _bmp_sizes),
    _bytes("gif_sizes", _gif, lambda d: _shown(tf.io.decode_gif(d)), _gif_sizes),
    _bytes("png", lambda: tf.io.encode_png(_PIXELS).numpy(), lambda d: _shown(tf.io.decode_png(d))),
    _bytes(
        "jpeg", lambda: tf.io.encode_jpeg(_PIXELS).numpy(), lambda d: _shown(tf.io.decode_jpeg(d))
    ),
    _bytes("bmp", _bmp, lambda d: _shown(tf.io.decode_bmp(d))),
    _bytes("gif", _gif, lambda d: _shown(tf.io.decode_gif(d))),
    _bytes(
        "image", lambda: tf.io.encode_png(_PIXELS).numpy(), lambda d: _shown(tf.io.decode_image(d))
    ),
    _bytes("wav", _wav, lambda d: _shown(tf.audio.decode_wav(d).audio)),
    _bytes("example", _example, _parse),
    _bytes("sequence_example", _sequence, _parse_sequence),
    _bytes("json_example", _json, _from_json),
    _bytes("tensor", _tensor, _parse_tensor),
    _bytes("zlib", lambda: zlib.compress(b"some text " * 100), _decompress),
]
