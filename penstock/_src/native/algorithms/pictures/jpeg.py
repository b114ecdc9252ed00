"""JPEG files decoded by libjpeg-turbo, whose functions are called at given addresses.

libjpeg reports an error by a function that may not return. Here that function jumps back to where the call began (`longjmp`). A warning
counts as an error, so what is decoded has no flaws: all else is left to the caller.

Source: libjpeg.txt and jpeglib.h of libjpeg-turbo: the layout of structures in version 6.2 of the interface, on 64-bit systems. The library
checks the version and the size of the main structure when it creates one.
"""

from typing import Any

from ...language.function import Fn
from ...language.module import Module
from ...language.types import I32, I64, PTR
from ...language.value import Val

# The functions of libjpeg, in the order of the table of addresses.
FUNCTIONS = (
    "jpeg_std_error", "jpeg_CreateDecompress", "jpeg_mem_src", "jpeg_read_header", "jpeg_start_decompress",
    "jpeg_read_scanlines", "jpeg_finish_decompress", "jpeg_destroy_decompress", "jpeg_crop_scanline",
    "jpeg_skip_scanlines",
)  # fmt: skip
_VERSION, _BYTES = 62, 632  # of the interface, and of its jpeg_decompress_struct
# Offsets in jpeg_decompress_struct.
_ERRORS, _CLIENT_DATA, _WIDTH, _HEIGHT, _SPACE, _OUT_SPACE = 0, 24, 48, 52, 60, 64
_TRANSFORM, _FANCY, _OUT_WIDTH, _OUT_HEIGHT, _OUT_CHANNELS, _LINE = 96, 100, 136, 140, 148, 168
# Offsets in jpeg_error_mgr, and its size.
_EXIT, _MESSAGE, _WARNINGS, _ERROR_BYTES = 0, 16, 128, 168
_GRAY, _RGB, _YCC = 1, 2, 3  # J_COLOR_SPACE
FAST, ACCURATE = 1, 0  # J_DCT_METHOD
_HEADER_IS_READ = 1
_LINES = 8  # rows that are asked for at a time
_JUMP_BYTES = 1024  # more than a jmp_buf has on any system

# Words of the record that is passed through `guarded`.
_W_FUNCTIONS, _W_STRUCT, _W_ERRORS, _W_DATA, _W_SIZE, _W_CHANNELS, _W_METHOD, _W_FANCY, _W_INTO = (
    range(9)
)
# Those of a window: its first row and column, its numbers of rows and columns, and the columns of the memory.
_W_TOP, _W_LEFT, _W_ROWS, _W_COLUMNS, _W_ROOM = range(9, 14)
_WORDS = 14
# A window begins where blocks do: the columns that may come before it.
MOST_BEFORE = 32

_GUARDED = """
declare i32 @_setjmp(ptr) returns_twice
declare void @longjmp(ptr, i32) noreturn
define internal void @jpeg_exit(ptr %info) {
  %place = getelementptr i8, ptr %info, i64 CLIENT_DATA
  %buffer = load ptr, ptr %place
  call void @longjmp(ptr %buffer, i32 1)
  unreachable
}
define internal void @jpeg_message(ptr %info) {
  ret void
}
define internal i64 @jpeg_guarded(ptr %steps, ptr %record, ptr %buffer) noinline {
  %again = call i32 @_setjmp(ptr %buffer) returns_twice
  %first = icmp eq i32 %again, 0
  br i1 %first, label %run, label %failed
run:
  %code = notail call i64 %steps(ptr %record)
  ret i64 %code
failed:
  ret i64 1
}
""".replace("CLIENT_DATA", str(_CLIENT_DATA))


def emit_jpeg(m: Module) -> None:
    """Adds `jpeg_begin`, `jpeg_pixels` and `jpeg_window`, which take the memory of a `Decoder`; they give 0 if all is well."""
    m.raw(_GUARDED)
    m.names.update(("_setjmp", "longjmp", "jpeg_exit", "jpeg_message", "jpeg_guarded"))
    _emit_begin(m)
    _emit_pixels(m)
    _emit_window(m)


class Decoder:
    """Decodes files, one after the other, in a function under construction.

    Args:
      f: the function.
      functions: the address of the table of libjpeg's functions.
    """

    def __init__(self, f: Fn, functions: Val) -> None:
        self.f = f
        self.record, self.buffer = f.alloca(I64, _WORDS), f.alloca("i8", _JUMP_BYTES)
        self.info, self.errors = f.alloca("i8", _BYTES), f.alloca("i8", _ERROR_BYTES)
        words = ((_W_FUNCTIONS, functions), (_W_STRUCT, self.info), (_W_ERRORS, self.errors))
        for word, value in words:
            f.store(value, self.record, word)

    def _set(self, word: int, value: Val) -> None:
        self.f.store(value, self.record, word)

    def _run(self, steps: str) -> Val:
        f = self.f
        return f.call("jpeg_guarded", f.address(steps), self.record, self.buffer, ret=I64)

    def begin(self, data: Val, size: Val) -> Val:
        """Reads the header of a file; gives 0 if it can be decoded. `end` has to follow in any case."""
        f = self.f
        # `end` destroys it in any case: without pointers in it there is nothing to free.
        f.memset(self.info, 0, _BYTES)
        _function(f, self.record, "jpeg_std_error", PTR, self.errors)
        for offset, name in ((_EXIT, "jpeg_exit"), (_MESSAGE, "jpeg_message")):
            f.store(f.address(name), f.at(self.errors, offset))
        f.store(self.errors, f.at(self.info, _ERRORS))
        f.store(self.buffer, f.at(self.info, _CLIENT_DATA))
        self._set(_W_DATA, data)
        self._set(_W_SIZE, size)
        return self._run("jpeg_begin")

    def size(self) -> tuple[Val, Val]:
        """Height and width after `begin`."""
        return _number(self.f, self.info, _HEIGHT), _number(self.f, self.info, _WIDTH)

    def pixels(self, channels: Val, method: Val, fancy: Val, into: Val) -> Val:
        """Writes the pixels `[height, width, channels]`; gives 0 if the file has no flaw."""
        for word, value in zip((_W_CHANNELS, _W_METHOD, _W_FANCY, _W_INTO), (channels, method, fancy, into), strict=True):  # fmt: skip
            self._set(word, value)
        return self._run("jpeg_pixels")

    def window(self, how: tuple[Val, Val, Val], window: tuple[Val, Val, Val, Val], room: Val, into: Val) -> Val:  # fmt: skip
        """Writes the pixels of a window as libjpeg crops them, `[rows, room, channels]`; gives 0 if what it read has no flaw.

        Args:
          how: channels, transform, and whether chroma is interpolated.
          window: its first row and column, and the numbers of rows and columns.
          room: the columns of the memory, MOST_BEFORE more than the window's.
          into: the memory.
        """
        words = (_W_CHANNELS, _W_METHOD, _W_FANCY, _W_TOP, _W_LEFT, _W_ROWS, _W_COLUMNS, _W_ROOM, _W_INTO)  # fmt: skip
        for word, value in zip(words, (*how, *window, room, into), strict=True):
            self._set(word, value)
        return self._run("jpeg_window")

    def columns_before(self) -> Val:
        """The number of columns that `window` wrote before the window's first one."""
        return self.f.load(self.record, _W_LEFT, I64)

    def end(self) -> None:
        """Frees what the library allocated."""
        _function(self.f, self.record, "jpeg_destroy_decompress", "void", self.info)


def _function(f: Fn, record: Val, name: str, ret: str, *arguments: Val) -> Any:
    table = f.load(record, _W_FUNCTIONS, PTR)
    return f.call(f.load(table, FUNCTIONS.index(name), PTR), *arguments, ret=ret)


def _number(f: Fn, p: Val, offset: int) -> Val:
    return f.convert(f.load(f.at(p, offset), 0, I32), I64)


def _set_number(f: Fn, value: Val, p: Val, offset: int) -> None:
    f.store(f.convert(value, I32), f.at(p, offset))


def _word(f: Fn, word: int, ty: str = I64) -> Val:
    return f.load(f.record, word, ty)


def _emit_begin(m: Module) -> None:
    with m.fn("jpeg_begin", ret=I64, internal=True, noalias=False, record=PTR) as f:
        info = _word(f, _W_STRUCT, PTR)
        version = f.const(_VERSION, I32)
        _function(f, f.record, "jpeg_CreateDecompress", "void", info, version, f.i64(_BYTES))

        def opened() -> tuple[Val, ...]:
            data, size = _word(f, _W_DATA, PTR), _word(f, _W_SIZE)
            _function(f, f.record, "jpeg_mem_src", "void", info, data, size)
            read = _function(f, f.record, "jpeg_read_header", I32, info, f.const(1, I32))
            space = _number(f, info, _SPACE)
            known = space.eq(_GRAY) | space.eq(_RGB) | space.eq(_YCC)
            return (
                f.convert(~(f.convert(read, I64).eq(_HEADER_IS_READ) & known), I64, signed=False),
            )

        # Without data only the layout is checked.
        f.give(f.when(_word(f, _W_SIZE).ne(0), opened, lambda: (f.i64(0),))[0])


def _started(f: Fn) -> Val:
    """Begins to decode as the record asks; gives true if the pixels come in the size and channels that are expected."""
    info, channels = _word(f, _W_STRUCT, PTR), _word(f, _W_CHANNELS)
    _set_number(f, f.select(channels.eq(1), f.i64(_GRAY), f.i64(_RGB)), info, _OUT_SPACE)
    _set_number(f, _word(f, _W_METHOD), info, _TRANSFORM)
    _set_number(f, _word(f, _W_FANCY), info, _FANCY)
    started = _function(f, f.record, "jpeg_start_decompress", I32, info)
    expected = (_number(f, info, _OUT_HEIGHT).eq(_number(f, info, _HEIGHT))
                & _number(f, info, _OUT_WIDTH).eq(_number(f, info, _WIDTH))
                & _number(f, info, _OUT_CHANNELS).eq(channels))  # fmt: skip
    return f.convert(started, I64).ne(0) & expected


def _read_lines(f: Fn, top: Val, bottom: Val, line_bytes: Val) -> Val:
    """Reads the lines from `top`, which is the next one, to `bottom`; gives true if all came."""
    info, into = _word(f, _W_STRUCT, PTR), _word(f, _W_INTO, PTR)
    rows = f.alloca(PTR, _LINES)

    def read(line: Val, _count: Val) -> tuple[Val, ...]:
        for number in range(_LINES):
            # Rows beyond the last one are not asked for; their pointers are those of the last one.
            row = f.min(line + number, bottom - 1) - top
            f.store(f.at(into, row * line_bytes), rows, number)
        most = f.convert(f.min(bottom - line, _LINES), I32)
        count = _function(f, f.record, "jpeg_read_scanlines", I32, info, rows, most)
        return _number(f, info, _LINE), f.convert(count, I64)

    line, _ = f.loop_while(lambda line, count: (line < bottom) & count.ne(0), read, top, f.i64(1))
    return line >= bottom


def _flaws(f: Fn) -> Val:
    """1 if the library has warned of something, 0 otherwise."""
    warnings = f.load(f.at(_word(f, _W_ERRORS, PTR), _WARNINGS), 0, I64)
    return f.convert(warnings.ne(0), I64, signed=False)


def _emit_pixels(m: Module) -> None:
    with m.fn("jpeg_pixels", ret=I64, internal=True, noalias=False, record=PTR) as f:
        info, begun = _word(f, _W_STRUCT, PTR), _started(f)

        def lines() -> tuple[Val, ...]:
            height, width = _number(f, info, _HEIGHT), _number(f, info, _WIDTH)
            all_came = _read_lines(f, f.i64(0), height, width * _word(f, _W_CHANNELS))

            def ended() -> tuple[Val, ...]:
                _function(f, f.record, "jpeg_finish_decompress", I32, info)
                return (_flaws(f),)

            # Finishing before all rows are read is an error for libjpeg.
            return f.when(all_came, ended, lambda: (f.i64(1),))

        f.give(f.when(begun, lines, lambda: (f.i64(1),))[0])


def _emit_window(m: Module) -> None:
    """The decoder crops to whole blocks and stops after the window's last row."""
    with m.fn("jpeg_window", ret=I64, internal=True, noalias=False, record=PTR) as f:
        info, begun = _word(f, _W_STRUCT, PTR), _started(f)
        top, left = _word(f, _W_TOP), _word(f, _W_LEFT)
        rows, columns = _word(f, _W_ROWS), _word(f, _W_COLUMNS)
        height, width = _number(f, info, _HEIGHT), _number(f, info, _WIDTH)
        is_inside = (top + rows <= height) & (left + columns <= width)

        def lines() -> tuple[Val, ...]:
            place, size = f.alloca(I32, 1), f.alloca(I32, 1)
            f.store(f.convert(left, I32), place)
            f.store(f.convert(columns, I32), size)
            _function(f, f.record, "jpeg_crop_scanline", "void", info, place, size)
            first = f.convert(f.load(place, 0, I32), I64)
            f.store(left - first, f.record, _W_LEFT)
            _function(f, f.record, "jpeg_skip_scanlines", I32, info, f.convert(top, I32))
            # Cropped to whole blocks, a row is wider than the window: the memory must hold it.
            fits = f.convert(f.load(size, 0, I32), I64) <= _word(f, _W_ROOM)

            def read() -> tuple[Val, ...]:
                line_bytes = _word(f, _W_ROOM) * _word(f, _W_CHANNELS)
                all_came = _read_lines(f, top, top + rows, line_bytes)
                return (f.select(all_came, _flaws(f), f.i64(1)),)

            return f.when(fits, read, lambda: (f.i64(1),))

        f.give(f.when(begun & is_inside, lines, lambda: (f.i64(1),))[0])
