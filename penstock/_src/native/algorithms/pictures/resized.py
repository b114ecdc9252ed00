"""Groups of JPEG files, read, decoded and resized by bilinear interpolation, in one call without Python's lock, and windows of single files.

A picture that cannot be handled here, for whatever reason, is marked; the caller handles it otherwise and finds out what is wrong.
"""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

from ... import python_calls as py
from ...builtins import compiled
from ...language.function import Fn
from ...language.module import Module
from ...language.types import F32, I32, I64, PTR
from ...language.value import Val
from ..interpolation import emit_interpolation, room
from .jpeg import Decoder, emit_jpeg

# The options of `resized`, in the order of their array.
OPTIONS = ("are_names", "channels", "method", "fancy", "centers", "rows", "columns")
# Those of `cropped`.
WINDOW = ("channels", "method", "fancy", "top", "left", "rows", "columns", "room")
_MOST_PIXELS = 1 << 28
# Limits the memory for damaged files: a byte stands for 8 blocks of 8 by 8 pixels at most.
_PIXELS_OF_BYTE, _PIXELS_OF_NOTHING = 8 * 64, 1 << 20
_SEEK_SET, _SEEK_END = 0, 2


class Pictures(NamedTuple):
    """Builtins. `functions` is an int64 array of the addresses of jpeg.FUNCTIONS.

    cropped  (functions, a file, its size, options: int64 in the order of WINDOW, into uint8 [rows, room, channels], before: int64 [1]) -> 0 if the
             window is written after `before` columns
    fits     (functions) -> 0 if the library has the layout of structures that is expected
    resized  (functions, files or their names, where each begins: int64 [count + 1], count, options: int64 in the order of OPTIONS,
             into float32 [count, rows, columns, channels], codes: int64 [count]) -> how many have a code that is not 0: they are not written.
             Names end with a zero byte.
    """

    cropped: Callable[..., int]
    fits: Callable[..., int]
    resized: Callable[..., int]


@compiled(Pictures)
def pictures(m: Module) -> None:
    """The functions, compiled."""
    emit_jpeg(m)
    emit_interpolation(m, ["uint8"])
    _emit_fits(m)
    _emit_grown(m)
    _emit_read(m)
    _emit_picture(m)
    _emit_group(m)
    _emit_cropped(m)
    py.emit_entry(m, "cropped", "abnaaa")
    py.emit_entry(m, "fits", "a")
    py.emit_entry(m, "resized", "abanaaa")


def _emit_fits(m: Module) -> None:
    with m.fn("fits", ret=I64, internal=True, functions=PTR) as f:
        decoder = Decoder(f, f.functions)
        code = decoder.begin(f.functions, f.i64(0))
        decoder.end()
        f.give(code)


def _emit_cropped(m: Module) -> None:
    arguments: Any = dict(functions=PTR, data=PTR, size=I64, options=PTR, into=PTR, before=PTR)
    with m.fn("cropped", ret=I64, internal=True, noalias=False, **arguments) as f:
        decoder = Decoder(f, f.functions)
        channels, method, fancy, top, left, rows, columns, room = (
            f.load(f.options, at, I64) for at in range(len(WINDOW))
        )

        def decoded() -> tuple[Val, ...]:
            window = (top, left, rows, columns)
            return (decoder.window((channels, method, fancy), window, room, f.into),)

        (code,) = f.when(decoder.begin(f.data, f.size).eq(0), decoded, lambda: (f.i64(1),))
        f.store(decoder.columns_before(), f.before)
        decoder.end()
        f.give(code)


def _emit_grown(m: Module) -> None:
    """Returns memory of at least a size, kept in two words, address and size; null if there is none. Its contents are lost."""
    with m.fn("grown", ret=PTR, internal=True, noalias=False, kept=PTR, size=I64) as f:

        def larger() -> None:
            # Not realloc: the old contents need not be copied.
            f.call("free", f.load(f.kept, 0, PTR))
            room = f.size + (f.size >> 2)
            memory = f.call("malloc", room, ret=PTR)
            f.store(memory, f.kept)
            f.store(f.select(f.is_null(memory), f.i64(0), room), f.kept, 1)

        f.when(f.size > f.load(f.kept, 1, I64), larger)
        f.give(f.load(f.kept, 0, PTR))


def _emit_read(m: Module) -> None:
    """Reads a file into kept memory; gives its size, 0 if it cannot be read."""
    flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
    with m.fn("read_file", ret=I64, internal=True, noalias=False, path=PTR, kept=PTR) as f:
        file = f.call("open", f.path, f.const(flags, I32), ret=I32)

        def opened() -> tuple[Val, ...]:
            size = f.call("lseek", file, f.i64(0), f.const(_SEEK_END, I32), ret=I64)
            f.call("lseek", file, f.i64(0), f.const(_SEEK_SET, I32), ret=I64)

            def read() -> tuple[Val, ...]:
                into = f.call("grown", f.kept, size + 1, ret=PTR)

                def some(done: Val, _count: Val) -> tuple[Val, ...]:
                    # One byte more than the size: a file that has grown since is noticed.
                    count = f.call("read", file, f.at(into, done), size + 1 - done, ret=I64)
                    return done + count, count

                is_there = f.convert(~f.is_null(into), I64, signed=False)
                done, _ = f.loop_while(
                    lambda done, count: (count > 0) & (done <= size), some, f.i64(0), is_there
                )
                return (f.select(done.eq(size), size, f.i64(0)),)

            (size,) = f.when(size > 0, read, lambda: (f.i64(0),))
            f.call("close", file, ret=I32)
            return (size,)

        f.give(f.when(file >= 0, opened, lambda: (f.i64(0),))[0])


def _option(f: Fn, name: str) -> Val:
    return f.load(f.options, OPTIONS.index(name), I64)


def _emit_picture(m: Module) -> None:
    """Decodes and resizes a picture; gives 0 if that is done. `kept` has the memory for pixels and for work, two words each."""
    arguments: Any = dict(functions=PTR, data=PTR, size=I64, options=PTR, kept=PTR, into=PTR)
    with m.fn("picture", ret=I64, internal=True, noalias=False, **arguments) as f:
        decoder, channels = Decoder(f, f.functions), _option(f, "channels")
        code = decoder.begin(f.data, f.size)

        def sized() -> tuple[Val, ...]:
            height, width = decoder.size()
            pixels = height * width
            is_small = (pixels <= f.size * _PIXELS_OF_BYTE + _PIXELS_OF_NOTHING) & (pixels <= _MOST_PIXELS)  # fmt: skip

            def decoded() -> tuple[Val, ...]:
                into = f.call("grown", f.kept, pixels * channels, ret=PTR)
                method, fancy = _option(f, "method"), _option(f, "fancy")
                columns = _option(f, "columns")
                needed = room(width, channels, columns) * 4
                work = f.call("grown", f.at(f.kept, 2, I64), needed, ret=PTR)
                (code,) = f.when(
                    f.is_null(into) | f.is_null(work),
                    lambda: (f.i64(1),),
                    lambda: (decoder.pixels(channels, method, fancy, into),),
                )

                def resized() -> None:
                    f.call(
                        "interpolate_uint8", into, f.i64(1), height, width, channels, _option(f, "centers"),
                        _option(f, "rows"), columns, f.into, work, ret=I64,
                    )  # fmt: skip

                f.when(code.eq(0), resized)
                return (code,)

            return f.when(is_small, decoded, lambda: (f.i64(1),))

        (code,) = f.when(code.eq(0), sized, lambda: (f.i64(1),))
        decoder.end()
        f.give(code)


def _emit_group(m: Module) -> None:
    arguments: Any = dict(
        functions=PTR, data=PTR, offsets=PTR, count=I64, options=PTR, into=PTR, codes=PTR
    )
    with m.fn("resized", ret=I64, internal=True, noalias=False, **arguments) as f:
        kept = f.alloca(I64, 6)  # of pixels, of work, of files
        f.memset(kept, 0, 6 * 8)
        files = f.at(kept, 4, I64)
        elements = _option(f, "rows") * _option(f, "columns") * _option(f, "channels")

        def picture(number: Val, wrong: Val) -> tuple[Val, ...]:
            begin, end = f.load(f.offsets, number, I64), f.load(f.offsets, number + 1, I64)
            content = f.at(f.data, begin)

            def read() -> tuple[Val, ...]:
                size = f.call("read_file", content, files, ret=I64)
                return f.load(files, 0, PTR), size

            data, size = f.when(_option(f, "are_names").ne(0), read, lambda: (content, end - begin))
            target = f.at(f.into, number * elements, F32)

            def decoded() -> tuple[Val, ...]:
                return (
                    f.call("picture", f.functions, data, size, f.options, kept, target, ret=I64),
                )

            (code,) = f.when(size > 0, decoded, lambda: (f.i64(1),))
            f.store(code, f.codes, number)
            return (wrong + code,)

        (wrong,) = f.loop(f.i64(0), f.count, 1, picture, f.i64(0))
        for memory in range(3):
            f.call("free", f.load(f.at(kept, 2 * memory, I64), 0, PTR))
        f.give(wrong)
