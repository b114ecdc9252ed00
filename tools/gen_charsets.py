"""Records the encodings of characters that TensorFlow knows: `python tools/gen_charsets.py > penstock/_src/ops/strings/charsets.txt`, where Python has TensorFlow.

A line is `names | codec of Python | first bytes of pairs | second bytes that leave a malformed first one alone | bytes of longer characters |
differences from the codec`. Names are without case and punctuation. A difference is `bytes=code point`, in hexadecimal, `-` for bytes that are no
character, `!` for a pair that leaves its first byte alone; `*n` for n of them in a row.
"""

import encodings.aliases
import functools
import re
from collections.abc import Iterable, Sequence

import tensorflow as tf

MALFORMED, FIRST_ALONE = -1, -2
MARKS = {MALFORMED: "-", FIRST_ALONE: "!"}
# Names besides those that Python knows, as IANA and ICU spell them.
NAMES = """
    GBK CP936 MS936 windows-936 x-gbk gb2312 EUC-CN hp15CN x-euc-cn GB18030 gb18030-2000 Big5 csBig5 windows-950 x-windows-950 x-big5 ms950
    windows-949 ms949 ks_c_5601-1987 KS_C_5601-1989 ksc csKSC56011987 korean iso-ir-149 EUC-KR x-windows-949 Shift_JIS windows-31j cp932 cp943 cp943c
    ms932 x-sjis csShiftJIS ms_kanji windows-932 csWindows31J EUC-JP eucjis x-euc-jp
    windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 windows-1255 windows-1256 windows-1257 windows-1258 windows-874 x-windows-874
    TIS-620 iso-8859-6-e iso-8859-8-i KOI8-R KOI8-U koi8 csKOI8R macintosh mac x-mac-roman x-mac-cyrillic x-mac-greek x-mac-turkish
    x-mac-centraleurroman x-mac-ce macce macgr mactr x-macroman windows-10000 ebcdic-cp-us ebcdic-xml-us hp-roman8 roman8 r8 adobe-standard-encoding
    csASCII ISO646-US iso_646.irv:1991 ANSI_X3.4-1986 ANSI_X3.4-1968 ascii7 ASCII US-ASCII us latin0 l9 thai ECMA-114 ECMA-118 ECMA-128
    ELOT_928 asmo-708 iso8859_15_fdis sun_eu_greek greek8 csisolatinarabic csisolatinhebrew csisolatincyrillic csisolatingreek iso_8859-1:1987
    iso_8859-7:1987 813 912 913 914 915 916 920 921 923 1089 cp813 cp912 cp920 cp921 cp923 cp1089 851 856 858 cp858 csPC850Multilingual csPCp852
    pc_multilingual_850+euro dos-720 dos-862 ansi-1251 csibm855 csibm860 csibm863 csibm865 csibm866 cspc775baltic csHPRoman8
""".split()
NUMBERS = """
    37 273 277 278 280 284 285 290 297 420 424 437 500 720 737 775 850 851 852 855 856 857 858 860 861 862 863 864 865 866 867 868 869 870 871 874
    875 878 912 913 914 915 916 918 920 921 922 923 943 949 950 970 1006 1025 1026 1047 1089 1097 1098 1112 1122 1123 1124 1125 1129 1130 1131 1132 1133
    1140 1141 1142 1143 1144 1145 1146 1147 1148 1149 1153 1162 1250 1251 1252 1253 1254 1255 1256 1257 1258 1276 1363 1373 1383 1386
    5346 5347 5348 5349 5350 5354 9447 9448 9449
""".split()
ISO = ("iso-8859-{}", "8859-{}", "iso8859_{}", "latin{}", "l{}", "iso-8859-{}-1987", "csisolatin{}")
PAIRS = ("cp932", "euc_jp", "gb18030", "gb2312", "cp950", "euc_kr", "cp949")
SINGLE = sorted({
    codec for codec in encodings.aliases.aliases.values()
    if re.match("cp[0-9]+$|iso8859|koi8|mac|hp_roman|ascii|latin|tis|kz", codec)
})  # fmt: skip
EUC_JP = ("eucjp", "eucjis", "ujis", "xeucjp")
# Bytes of the characters of three and four bytes; the latter are those of Python but for one.
LONGER = dict.fromkeys(EUC_JP, "8f-8f a1-fe a1-fe") | {"gb18030": "81-fe 30-39 81-fe 30-39"}
THREE = b"\x8f"
FOUR = b"\x81\x35\xf4\x37"
# Encodings with states, and those in which characters of two bytes begin like ones of one byte.
NOT_HERE = "2022|utf|hz|unicode|imap|gsm"


def characters(rows: Sequence[bytes], name: str) -> list[tuple[list[int], list[int]]]:
    """The code points and first bytes of each row."""
    splits, points, begins = (
        x.numpy().tolist()
        for x in tf.raw_ops.UnicodeDecodeWithOffsets(
            input=rows, input_encoding=name, replacement_char=0
        )
    )
    return [(points[a:b], begins[a:b]) for a, b in zip(splits[:-1], splits[1:], strict=True)]


ALL_BYTES = [bytes([first]) for first in range(256)]
ALL_PAIRS = [bytes([first, second]) for first in range(256) for second in range(256)]


@functools.cache
def of_python(codec: str, size: int) -> dict[bytes, int]:
    """The code points of strings of `size` bytes in a codec of Python."""
    rows = {1: ALL_BYTES, 2: ALL_PAIRS, 3: [THREE + pair for pair in ALL_PAIRS]}[size]
    found = {}
    for row in rows:
        try:
            text = row.decode(codec)
        except UnicodeDecodeError:
            continue
        if len(text) == 1:
            found[row] = ord(text)
    return found


def point_of(found: tuple[list[int], list[int]], row: bytes) -> int:
    """What a row is if it is one character; zero bytes are, other zeros stand for malformed ones."""
    points, _ = found
    return points[0] if points[0] or row[0] == 0 else MALFORMED


def single(name: str) -> dict[bytes, int] | None:
    """The code points of the bytes; None if a character may have several bytes."""
    alone = characters(ALL_BYTES, name)
    if any(len(points) != 1 for points, _ in alone):
        return None
    table = {row: points[0] if points[0] or not row[0] else MALFORMED
             for row, (points, _) in zip(ALL_BYTES, alone, strict=True)}  # fmt: skip
    rows = [row + tail for row in ALL_BYTES for tail in (b"A", b"\x81", b"\xe0")]
    for row, found in zip(rows, characters(rows, name), strict=True):
        points = [max(table[row[:1]], 0), max(table[row[1:]], 0)]
        if found != (points, [0, 1]):
            return None
    return {row: point for row, point in table.items() if point != MALFORMED}


def pairs(name: str) -> tuple[dict[bytes, int], list[int], list[int]] | None:
    """Code points of bytes and pairs, first bytes, and seconds that leave a malformed first one alone; None if there are no pairs."""
    table, leads, alone = {}, [], {}
    found = iter(characters([pair + b"A" for pair in ALL_PAIRS], name))
    ends = characters(ALL_BYTES, name)
    for first in range(256):
        row = ALL_BYTES[first]
        rows = [next(found) for _ in range(256)]
        whole = [len(begins) > 1 and begins[1] == 2 for _, begins in rows]
        if not any(whole):
            point = point_of(ends[first], row)
            if point != MALFORMED:
                table[row] = point
            continue
        leads.append(first)
        alone[first] = [second for second in range(256) if not whole[second]]
        for second, (points, _) in enumerate(rows):
            if whole[second] and points[0]:
                table[bytes([first, second])] = points[0]
    if plain(name) in EUC_JP:
        rows = [THREE + pair for pair in ALL_PAIRS]
        table |= {
            row: points[0]
            for row, (points, _) in zip(rows, characters(rows, name), strict=True)
            if points[0] and len(points) == 1
        }
        del alone[THREE[0]]
    if plain(name) == "gb18030":
        # Python reads these bytes as what ICU has at A8 BC.
        table[FOUR] = characters([FOUR], name)[0][0][0]
    if not leads:
        return None
    common = set.intersection(*map(set, alone.values()))
    for first, seconds in alone.items():
        table |= {bytes([first, second]): FIRST_ALONE for second in seconds if second not in common}
    return table, leads, sorted(common)


def differences(table: dict[bytes, int], codec: str, leads: Sequence[int]) -> list[str]:
    """The differences of a table from a codec of Python, as runs."""
    known = {row: point for row, point in of_python(codec, 1).items() if row[0] not in leads}
    for size in {len(row) for row in table} - {1, 4}:
        known |= {row: point for row, point in of_python(codec, size).items() if row[0] in leads}
    wanted = {row: table.get(row, MALFORMED) for row in known.keys() | table.keys()}
    changed = sorted(
        (row, point) for row, point in wanted.items() if known.get(row, MALFORMED) != point
    )
    runs: list[tuple[bytes, int, int]] = []
    for row, point in changed:
        if runs:
            first, begin, count = runs[-1]
            follows = int.from_bytes(row) == int.from_bytes(first) + count and len(row) == len(
                first
            )
            if follows and point == (begin if begin in MARKS else begin + count):
                runs[-1] = first, begin, count + 1
                continue
        runs.append((row, point, 1))
    return [
        f"{row.hex()}={MARKS.get(point) or f'{point:x}'}" + (f"*{count}" if count > 1 else "")
        for row, point, count in runs
    ]


def ranges(numbers: Iterable[int]) -> str:
    """Numbers as hexadecimal ranges."""
    runs: list[list[int]] = []
    for n in sorted(numbers):
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return " ".join(f"{a:x}-{b:x}" for a, b in runs)


def plain(name: str) -> str:
    """A name without what ICU ignores: case, punctuation, zeros before digits."""
    return re.sub("[^a-z0-9]", "", re.sub("(?<![0-9])0+(?=[0-9])", "", name.lower()))


def main() -> None:
    """Prints the table."""
    names = {*NAMES, *encodings.aliases.aliases, *encodings.aliases.aliases.values()}
    names |= {name.replace("_", "-") for name in names}
    names |= {form.format(n) for n in NUMBERS for form in ("ibm-{}", "cp{}", "{}")}
    names |= {form.format(n) for n in range(1, 17) for form in ISO}
    lines: dict[str, set[str]] = {}
    for name in sorted(names):
        try:
            characters([b""], name)
        except tf.errors.InvalidArgumentError:
            continue
        if re.search(NOT_HERE, plain(name)):
            continue
        table, leads, bases, rest = single(name), [], SINGLE, "| |"
        if table is None:
            found = pairs(name)
            if found is None:
                continue
            table, leads, seconds = found
            bases = PAIRS
            rest = f"{ranges(leads)} | {ranges(seconds)} | {LONGER.get(plain(name), '')}"
        codec, changed = min(
            ((codec, differences(table, codec, leads)) for codec in bases), key=lambda c: len(c[1])
        )
        if len(changed) < 600:
            lines.setdefault(f"{codec} | {rest} | {' '.join(changed)}", set()).add(plain(name))
    for line, others in sorted(lines.items(), key=lambda pair: sorted(pair[1])):
        print(re.sub(" +", " ", f"{' '.join(sorted(others))} | {line}").rstrip())


if __name__ == "__main__":
    main()
