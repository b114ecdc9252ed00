"""Texts cut into fragments that may be sentences: at terminal punctuation, acronyms and emoticons."""

import functools
import re
import unicodedata
from typing import Literal

import numpy as np

from penstock._src.core.op import Op
from penstock._src.ops.strings.unicode import check_replacement, decoder, handled
from penstock._src.ops.text.characters.whitespace import SPACES

# Unicode's property Sentence_Terminal, and dots and combined marks that end a sentence, too.
_TERMINAL = (
    "21 2E 3F 37E 55C 55E 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D5 1803 1809 1944-1945 1AA8-1AAB "
    "1B4E-1B4F 1B5A-1B5B 1B5E-1B5F 1B7D-1B7F 1C3B-1C3C 1C7E-1C7F 2024 2026 203C-203D 2047-2049 2CF9-2CFB 2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 "
    "A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE12 FE15-FE16 FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 "
    "110BE-110C1 11141-11143 111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 113D4-113D5 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 1173C-1173E "
    "11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 16B37-16B38 16B44 16D6E-16D6F 16E98 1BC9F 1DA88"
)
# Besides Unicode's category of closing punctuation.
_MORE_CLOSING = (
    *">、﴿︐︑﹐，､",
    *map(
        chr,
        (
            0x1325B,
            0x1325C,
            0x1325D,
            0x13282,
            0x13287,
            0x13289,
            0x1337A,
            0x1337B,
            0x13438,
            0x1343D,
            0x1343F,
            0x145CF,
        ),
    ),
)
_EMOTICONS = (
    ":-) :) :o) :] :3 :> =] =) :} :^) :-D :-)) :-))) :-)))) :-))))) >:[ :-( :( :-c :c :-< :< :-[ :[ :{ ;( :-|| :@ >:( :'-( :'( :'-) :') D:< >:O :-O :-o :* :-* "
    ":^* ;-) ;) *-) *) ;-] ;] ;^) :-, >:P :-P :p =p :-p :P =P ;p ;-p ;P ;-P >:\\ >:/ :-/ :-. :/ :\\ =/ =\\ :| :-| :$ :-# :# O:-) 0:-) 0:) 0;^) >:) >;) >:-) }:-) "
    "}:) 3:-) >_>^ ^<_< |;-) |-O :-J :-& :& #-) <:-| ~:-\\ *<|:-) =:o] ,:-) <3 8-) ^_^ :D =D O=) }=) B) B-) =| -_- o_o; u_u :-\\ :s :S :-s :-S ;* >.< >:-( >=( "
    ";_; T_T ='( >_< D: :o =o o.o :O =O O.O x_x X-( X( X-o X-O :X) (=^.^=) (=^..^=) =^_^= -<@% :(:) (]:{ <\\3 ~@~ 8'( XD DX"
).split()
# Bits of the properties of a fragment.
_ENDS, _ENDS_REPEATEDLY, _CLOSES, _CLOSES_ALL = 1, 2, 4, 8
_OPENING = ("(", "[", "{")
_ELLIPSIS = "…"
_ELLIPSES = (_ELLIPSIS, "...")


@functools.cache
def terminal_characters() -> frozenset[str]:
    """Characters that end a sentence."""
    runs = [[int(end, 16) for end in run.split("-")] for run in _TERMINAL.split()]
    return frozenset(chr(point) for run in runs for point in range(run[0], run[-1] + 1))


@functools.cache
def closing_characters() -> frozenset[str]:
    """Characters that may follow the end of a sentence within it."""
    closing = [chr(p) for p in range(0x110000) if unicodedata.category(chr(p)) == "Pe"]
    return frozenset((*closing, *_MORE_CLOSING))


@functools.cache
def _marks() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Patterns of ends of sentences, and of their continuations."""
    emoticons = "|".join(re.escape(e) for e in sorted(_EMOTICONS, key=len, reverse=True))
    terminal = "[" + re.escape("".join(sorted(terminal_characters()))) + "]"
    closing = "[" + re.escape("".join(sorted(closing_characters()))) + "]"
    first = re.compile(
        rf"(?P<acronym>(?:[A-Z]\.){{2,}})|(?P<emoticon>{emoticons})|(?P<dots>\.+)|(?P<terminal>{terminal})"
    )
    more = re.compile(
        rf"(?P<emoticon>{emoticons})|(?P<dots>\.+)|(?P<terminal>{terminal})|(?P<closing>{closing}+)"
    )
    return first, more


_SPACE_SET = "".join(map(chr, SPACES))


def fragments(text: str) -> list[tuple[int, int, int, int]]:
    """(begin, end, properties, where the terminal punctuation is or -1) of each fragment, in characters."""
    first, more = _marks()
    spans, begin = [], 0
    while True:
        while begin < len(text) and text[begin] in _SPACE_SET:
            begin += 1
        if begin == len(text):
            return spans
        mark = first.search(text, begin)
        if mark is None:
            spans.append((begin, len(text), 0, -1))
            return spans
        properties, terminal = _of_mark(mark, 0, mark.start())
        end = mark.end()
        while (mark := more.match(text, end)) is not None:
            end = mark.end()
            if mark.lastgroup == "closing":
                properties |= _CLOSES
                break
            properties, terminal = _of_mark(mark, properties, terminal)
        spans.append((begin, end, properties, terminal))
        begin = end


def _of_mark(mark, properties: int, terminal: int) -> tuple[int, int]:
    """The properties of a fragment, and the position of its terminal punctuation, after a mark."""
    kind, is_first = mark.lastgroup, not properties
    if kind == "acronym":
        return _ENDS | _ENDS_REPEATEDLY, terminal
    if kind == "dots" and len(mark[0]) >= 3:
        # Three dots are one mark; of more dots the last three count.
        repeated = _ENDS_REPEATEDLY if len(mark[0]) > 3 else 0
        return _ENDS | repeated, mark.end() - 3
    repeats = not is_first and not (kind == "emoticon" or mark[0] == _ELLIPSIS)
    repeats = repeats or (kind == "dots" and len(mark[0]) > 1)
    return properties | _ENDS | (_ENDS_REPEATEDLY if repeats else 0), terminal


class SentenceFragmentsV2(Op):
    """The fragments of texts: the bytes of their starts and ends, their terminals, and the positions of those."""

    signature = """doc: string -> fragment_start: int64, fragment_end: int64, fragment_properties: int64,
        terminal_punc_token: int64, output_row_lengths: int64"""
    differentiable = False

    def shape(self, doc):
        return [None], [None], [None], [None], doc.with_rank(1)

    def eager(self, doc):
        bounds, counts = [], []
        for row in doc.tolist():
            text = row.decode("utf-8", "surrogateescape")
            own = fragments(text)
            counts.append(len(own))
            if not row.isascii():
                sizes = [len(c.encode("utf-8", "surrogateescape")) for c in text]
                places = [0, *np.cumsum(sizes).tolist()]
                own = [(places[a], places[b], p, places[t] if t >= 0 else t) for a, b, p, t in own]
            bounds += own
        columns = np.array(bounds, np.int64).reshape(-1, 4).T
        return (*columns, np.array(counts, np.int64))


# Bits of the properties of a token.
_EMOTICON, _ACRONYM = 0x80, 0x100


class SentenceFragments(Op):
    """The fragments of rows of tokens: the first ones and the ones after the last, their terminals, and the positions of those."""

    signature = """row_lengths: int64, token_start: int64, token_end: int64, token_word: string, token_properties: int64
        -> fragment_start: int64, fragment_end: int64, fragment_properties: int64, terminal_punc_token: int64,
        output_row_lengths: int64"""
    input_encoding: str
    errors: Literal["strict", "replace", "ignore"] = "replace"
    replacement_char: int = 65533
    replace_control_characters: bool = False
    differentiable = False

    def shape(self, row_lengths, token_start, token_end, token_word, token_properties):
        return [None], [None], [None], [None], row_lengths.with_rank(1)

    def eager(self, row_lengths, token_start, token_end, token_word, token_properties):
        check_replacement(self, self.replacement_char)
        found = decoder(self, self.input_encoding)(token_word)
        splits, points, _ = handled(
            self, found, self.errors, self.replacement_char, self.replace_control_characters
        )
        bounds, text = splits.tolist(), "".join(map(chr, points.tolist()))
        words = [text[a:b] for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
        spans, counts, begin = [], [], 0
        for length in row_lengths.tolist():
            own = token_fragments(
                words[begin : begin + length], token_properties[begin : begin + length].tolist()
            )
            counts.append(len(own))
            spans += own
            begin += length
        columns = np.array(spans, np.int64).reshape(-1, 4).T
        return (*columns, np.array(counts, np.int64))


def _ends(word: str, properties: int) -> bool:
    if properties & _ACRONYM:
        return word.endswith(".")
    return bool(properties & _EMOTICON) or _is_mark(word)


def _is_mark(word: str) -> bool:
    return word == "..." or (len(word) == 1 and word in terminal_characters())


def token_fragments(words: list[str], properties: list[int]) -> list[tuple[int, int, int, int]]:
    """(first token, the one after the last, properties, the terminal token) of each fragment."""
    spans, begin, at = [], 0, 0
    while at < len(words):
        if not _ends(words[at], properties[at]):
            at += 1
            continue
        terminal, kind = at, _ENDS
        at += 1
        while at < len(words) and (_is_mark(words[at]) or properties[at] & _EMOTICON):
            if _is_mark(words[at]) and words[at] not in _ELLIPSES:
                kind |= _ENDS_REPEATEDLY
                # An ellipsis does not count where another mark follows it.
                terminal = at if words[terminal] in _ELLIPSES else terminal
            at += 1
        while at < len(words) and len(words[at]) == 1 and words[at] in closing_characters():
            kind |= _CLOSES
            if words[begin] in _OPENING:
                kind |= _CLOSES_ALL
            at += 1
        spans.append((begin, at, kind, terminal))
        begin = at
    if begin < len(words):
        spans.append((begin, len(words), 0, -1))
    return spans
