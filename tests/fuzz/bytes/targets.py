"""What reads bytes: all formats of files, and the ops and front ends below."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import penstock as tf
from penstock._src.stablehlo.bytecode.reader import read_module
from penstock._src.stablehlo.bytecode.stream import MalformedBytecode
from tests.fuzz.bytes import programs
from tests.fuzz.files.formats import FORMATS
from tests.fuzz.files.formats.format import Format, plain

raw = tf.raw_ops
_MODULES = Path(__file__).parents[2] / "ops" / "xla" / "modules.npz"
_DTYPES = (tf.uint8, tf.int16, tf.float32, tf.float64, tf.complex64, tf.bool)


def _target(
    name: str, seed: bytes, read: Callable[[bytes], Any], *errors: type[Exception]
) -> Format:
    return Format(
        name,
        lambda folder: (folder / "file").write_bytes(seed) and None,
        lambda folder: plain(read((folder / "file").read_bytes())),
        named=False,
        errors=errors,
    )


def _shape(tensor: Any) -> list[int]:
    return list(tensor.shape)


def _csv(data: bytes) -> Any:
    defaults: list[Any] = [
        tf.constant([1]),
        tf.constant([2.0]),
        tf.constant(["x"]),
        tf.constant([], tf.int64),
    ]
    return tf.io.decode_csv(data, defaults, na_value="NA")


def _words(data: bytes) -> Any:
    """Reads the first part of the bytes by the second."""
    text, _, by = data.partition(b"\0")
    return raw.StringSplitV2(input=[text], sep=by, maxsplit=len(by) - 3)


def _pattern(data: bytes) -> Any:
    text, _, pattern = data.partition(b"\0")
    pattern, _, new = pattern.partition(b"\0")
    return raw.RegexReplace(input=[text], pattern=pattern, rewrite=new)


def _template(data: bytes) -> Any:
    return raw.StringFormat(
        inputs=[tf.range(4), tf.constant(["a"])], template=data.decode("latin1"), placeholder="{}"
    )


def _equation(data: bytes) -> Any:
    return tf.einsum(data.decode("latin1"), tf.ones([2, 3]), tf.ones([3, 2]))


def _module(data: bytes) -> Any:
    module = read_module(data)
    return [function.attribute("sym_name") for function in module.functions.values()]


def _run_module(data: bytes) -> Any:
    return raw.XlaCallModule(
        args=[tf.ones([2, 4])],
        module=data,
        Sout=[tf.TensorShape(None)] * 3,
        Tout=[tf.float32] * 3,
        version=10,
        platforms=["CPU"],
    )


def _module_bytes() -> bytes:
    return np.load(_MODULES)["any batch/module"].tobytes()


_OPS = [
    _target("csv_line", b'7,1.5,"a ""b""",9', _csv),
    _target("raw", bytes(range(32)), lambda d: [_shape(tf.io.decode_raw(d, t)) for t in _DTYPES]),
    _target(
        "padded_raw",
        bytes(range(32)),
        lambda d: [_shape(tf.io.decode_raw([d, b""], t, fixed_length=16)) for t in _DTYPES[:4]],
    ),
    _target("base64", b"c29tZSB0ZXh0", tf.io.decode_base64),
    _target("gzip", gzip.compress(b"some text " * 30, mtime=0), lambda d: raw.DecodeCompressed(bytes=d, compression_type="GZIP")),
    _target(
        "numbers",
        b" -1.5e3",
        lambda d: [raw.StringToNumber(string_tensor=d, out_type=t) for t in (tf.float32, tf.float64)],
    ),
    _target("integers", b"-9", lambda d: raw.StringToNumber(string_tensor=d, out_type=tf.int64)),
    _target(
        "unicode",
        "aäß€😀".encode(),
        lambda d: [
            tf.strings.unicode_decode(d, coding, errors).shape[0]
            for coding in ("UTF-8", "UTF-16-BE", "UTF-32-BE")
            for errors in ("replace", "ignore")
        ],
    ),
    _target(
        "transcode",
        "aäß€😀".encode("utf-16-le"),
        lambda d: [tf.strings.unicode_transcode(d, c, "UTF-8") for c in ("UTF-16", "ISO-8859-1", "US-ASCII")],
    ),
    _target("words", b"a, b,,c\0,", _words),
    _target("pattern", b"abcab\0(a|b)*c?\0<\\1>", _pattern),
    _target("template", b"one {} two {}", _template),
    _target("equation", b"ij,jk->ik", _equation, ValueError, TypeError),
    _target("stablehlo", _module_bytes(), _module, MalformedBytecode),
    _target("stablehlo_run", _module_bytes(), _run_module),
    _target("autograph", bytes(range(40)), programs.compared, *programs.ERRORS),
]  # fmt: skip
TARGETS: dict[str, Format] = {**FORMATS, **{target.name: target for target in _OPS}}
