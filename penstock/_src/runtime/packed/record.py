"""The record of a plan, and its text."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.native.algorithms.sizing import (
    CONSTANT,
    EXCEPT,
    ROUNDS,
    ROW_WORDS,
    STORE_WORDS,
    SYMBOL,
    WITHIN,
)
from penstock._src.native.runner import PATCH_WORDS, STATUS_WORDS
from penstock._src.util.dataclass import dataclass

Extent = int | str  # "3": the fourth unknown extent of the signature
Shape = tuple[Extent, ...]
MOST_WORDS = 1 << 24  # of a table


@dataclass(frozen=True)
class Packing:
    """A native call that packs an array of weights.

    words      its launch table
    launches   (word, number of the code, name of the function) for words with addresses of functions
    patches    (number of the array, word, bytes to add) for words with addresses of arrays: weights, packed weights, scratch
    bytes, scratch_bytes   of the packed weights and of the scratch memory
    """

    words: Sequence[int]
    launches: Sequence[tuple[int, int, str]]
    patches: Sequence[tuple[int, int, int]]
    bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class Constant:
    """A constant: the number of the pack's object with its bytes, dtype and shape; how it is packed, if it is."""

    object: int
    dtype: str
    shape: tuple[int, ...]
    packing: Packing | None


@dataclass(frozen=True)
class Packer:
    """The packing of a variable, the argument `variable`; `key` is equal for equal packed forms."""

    key: str
    variable: int
    packing: Packing


@dataclass(frozen=True)
class Signature:
    """Arguments and results, as in runtime/signature.py.

    arrays           (index of the argument, dtype, shape)
    handles          (index of the argument, dtype, shape, 1 if the program assigns the variable)
    results          (dtype, shape)
    extents          number of unknown extents
    """

    count: int
    arrays: Sequence[tuple[int, str, Shape]]
    handles: Sequence[tuple[int, str, Shape, int]]
    results: Sequence[tuple[str, Shape]]
    extents: int


@dataclass(frozen=True)
class PlanRecord:
    """A program for all calls that fulfil its form, key and conditions.

    name        of the function, for messages
    form        ((where a number is read, the symbol that it is or the number that it must be), ...), see compiler/blocks/input_form.py
    key         what else the inputs must have: shapes and aliases of variables
    symbols     the names of unknown extents, sorted
    codes       identities of codes in the pack
    threads, streams   as in Plan
    words       the launch table, then its patches (rows of an array's number, a word, bytes to add)
    table       number of words of the launch table
    launches    as in Packing
    status      (word, bytes to add) for addresses of status words
    constants   the constants; constant_words: (word, number of the constant, bytes to add)
    stores      (word, register, 1 if the arena's address is added)
    rows, facts the sizing program, which also tests the conditions; its facts are the bytes of the arena and of the results, an offset for each
                check, then the signature's extents
    checks      (1 for an array, 0 for the arena; the number of the array among arguments and results, or bytes to add to the offset) of bools that are
                looked at after a run
    packers     of variables
    errors      number of errors with which a run may stop
    is_steady   True if the section's time depends on the shapes of its inputs alone
    """

    name: str
    form: Sequence[tuple[tuple[Any, ...], Any]]
    key: str
    symbols: tuple[str, ...]
    codes: Sequence[str]
    threads: int
    streams: int
    words: Sequence[int]
    table: int
    launches: Sequence[tuple[int, int, str]]
    status: Sequence[tuple[int, int]]
    constants: Sequence[Constant]
    constant_words: Sequence[tuple[int, int, int]]
    stores: Sequence[tuple[int, int, int]]
    rows: Sequence[tuple[int, int, int, int]]
    facts: Sequence[int]
    signature: Signature
    packers: Sequence[Packer]
    errors: int
    checks: Sequence[tuple[int, int]] = ()
    is_steady: bool = False


def text_of(record: PlanRecord) -> bytes:
    """The text of a record."""
    return json.dumps(plain(record), separators=(",", ":"), sort_keys=True).encode()


def plain(value: Any) -> Any:
    """A record as dicts and lists."""
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        return {name: plain(getattr(value, name)) for name in fields}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def record_of(text: bytes, objects: int) -> PlanRecord:
    """Parses a record from text, and checks each index against the list that it refers to.

    Args:
      text: as `text_of` gives it.
      objects: number of objects in the pack.

    Raises:
      ValueError, KeyError, TypeError: the text is not a valid record.
    """
    return record_of_content(json.loads(text), objects)


def record_of_content(content: Any, objects: int) -> PlanRecord:
    """The record of a text's content; see `record_of`."""
    signature = _signature(content["signature"])
    codes = [_text(each) for each in content["codes"]]
    symbols = tuple(map(_text, content["symbols"]))
    _require(list(symbols) == sorted(set(symbols)), "symbols")
    rows = _table(content["rows"], ROW_WORDS)
    _check_rows(rows, len(symbols))
    words, table = _words(content["words"]), _count(content["table"])
    arrays = signature.count + len(signature.results) + len(content["packers"])
    _check_words(words, table, arrays)
    stores = _table(content["stores"], STORE_WORDS)
    _within(stores[:, 0], len(words), "stores")
    _within(stores[:, 1], len(rows), "stores")
    _within(stores[:, 2], 2, "stores")
    constants = [_constant(each, objects, len(codes)) for each in content["constants"]]
    constant_words = _table(content["constant_words"], 3)
    _within(constant_words[:, 0], table, "constants")
    _within(constant_words[:, 1], len(constants), "constants")
    streams = _count(content["streams"])
    facts, checks = _facts_and_checks(content, signature, len(rows))
    return PlanRecord(
        name=_text(content["name"]),
        form=[(tuple(read), what) for read, what in content["form"]],
        key=_text(content["key"]),
        symbols=symbols,
        codes=codes,
        threads=_positive(content["threads"]),
        streams=streams,
        words=words,
        table=table,
        launches=_launches(content["launches"], table, len(codes)),
        status=_status(content["status"], table, streams),
        constants=constants,
        constant_words=constant_words.tolist(),
        stores=stores.tolist(),
        rows=rows.tolist(),
        facts=facts,
        signature=signature,
        packers=_packers(content["packers"], signature, len(codes)),
        errors=_count(content["errors"]),
        checks=checks,
        is_steady=_truth(content["is_steady"]),
    )


def _check_words(words: list[int], table: int, arrays: int) -> None:
    """Checks that the words after the launch table are patches of arrays."""
    _require(table <= len(words) and (len(words) - table) % PATCH_WORDS == 0, "table")
    patches = np.asarray(words[table:], np.int64).reshape(-1, PATCH_WORDS)
    _within(patches[:, 0], arrays, "patches")
    _within(patches[:, 1], table, "patches")


def _status(content: Any, table: int, streams: int) -> Any:
    """The words of the table that are addresses in the status of a run."""
    status = _table(content, 2)
    _within(status[:, 0], table, "status")
    # Each stream has status words after those of the run.
    _within(status[:, 1], 8 * STATUS_WORDS * (1 + streams), "status")
    return status.tolist()


def _facts_and_checks(content: Any, signature: Signature, rows: int) -> tuple[list[int], Any]:
    """The rows of the sizes that a run needs, and where the results of its checks are."""
    facts = _words(content["facts"])
    _within(np.asarray(facts, np.int64), rows, "facts")
    checks = _table(content["checks"], 2)
    _within(checks[:, 0], 2, "checks")
    _within(checks[checks[:, 0] == 1, 1], signature.count + len(signature.results), "checks")
    _require(len(facts) == 2 + len(checks) + signature.extents, "facts")
    return facts, checks.tolist()


def _packers(content: Any, signature: Signature, codes: int) -> list[Packer]:
    """The packed forms of weights, each of a variable of the signature."""
    variables = [handle[0] for handle in signature.handles]
    for each in content:
        _require(each["variable"] in variables, "packers")
    return [
        Packer(_text(each["key"]), _count(each["variable"]), _packing(each["packing"], codes))
        for each in content
    ]


def _signature(content: Any) -> Signature:
    count, extents = _count(content["count"]), _count(content["extents"])

    def shape(entries: Any) -> Shape:
        for extent in entries:
            most = extents if type(extent) is str else 1 << 62
            if type(extent) not in (int, str) or not 0 <= int(extent) < most:
                _require(False, "shape")
        return tuple(entries)

    arrays = [(_count(i), _dtype(dtype), shape(s)) for i, dtype, s in content["arrays"]]
    handles = [
        (_count(i), _dtype(dtype), shape(s), _count(assigned))
        for i, dtype, s, assigned in content["handles"]
    ]
    _require(all(assigned <= 1 for *_, assigned in handles), "arguments")
    _require(sorted(i for i, *_ in (*arrays, *handles)) == list(range(count)), "arguments")
    results = [(_dtype(dtype), shape(s)) for dtype, s in content["results"]]
    return Signature(count, arrays, handles, results, extents)


def _constant(content: Any, objects: int, codes: int) -> Constant:
    number, shape = _count(content["object"]), tuple(map(_count, content["shape"]))
    _require(number < objects, "constants")
    packing = content["packing"]
    return Constant(
        number,
        _dtype(content["dtype"]),
        shape,
        None if packing is None else _packing(packing, codes),
    )


def _packing(content: Any, codes: int) -> Packing:
    words = _words(content["words"])
    patches = _table(content["patches"], PATCH_WORDS)
    _within(patches[:, 0], 3, "packing")
    _within(patches[:, 1], len(words), "packing")
    launches = _launches(content["launches"], len(words), codes)
    return Packing(
        words,
        launches,
        patches.tolist(),
        _count(content["bytes"]),
        _count(content["scratch_bytes"]),
    )


def _launches(content: Any, words: int, codes: int) -> list[tuple[int, int, str]]:
    launches = [(_count(word), _count(code), _text(name)) for word, code, name in content]
    _require(all(word < words and code < codes for word, code, _ in launches), "launches")
    return launches


def _check_rows(rows: np.ndarray, symbols: int) -> None:
    """Holds the operands of a sizing program to registers that are computed before."""
    operations = rows[:, 0]
    _within(operations, EXCEPT + 1, "rows")
    _within(rows[operations == SYMBOL, 1], symbols, "rows")
    before = np.arange(len(rows))
    reads = ~np.isin(operations, (SYMBOL, CONSTANT))
    second = reads & ~np.isin(operations, (WITHIN, EXCEPT))
    for column, of in ((1, reads), (2, second)):
        wrong = (rows[of, column] < 0) | (rows[of, column] >= before[of])
        _require(not wrong.any(), "rows")
    _require(not (rows[operations == ROUNDS, 3] < 1).any(), "rows")


def _words(content: Any) -> list[int]:
    _require(type(content) is list and len(content) <= MOST_WORDS, "words")
    # By functions of the interpreter, not in a loop of Python: a network has 100,000 words.
    _require(set(map(type, content)) <= {int}, "words")
    _require(not content or (min(content) >= -(1 << 63) and max(content) < 1 << 63), "words")
    return content  # type: ignore[no-any-return]


def _table(content: Any, columns: int) -> np.ndarray:
    _require(set(map(len, content)) <= {columns}, "table")
    words = _words(list(itertools.chain.from_iterable(content)))
    return np.asarray(words, np.int64).reshape(-1, columns)


def _within(numbers: np.ndarray, most: int, where: str) -> None:
    _require(not ((numbers < 0) | (numbers >= most)).any(), where)


def _require(holds: bool, where: str) -> bool:
    if not holds:
        raise ValueError(f"a number of its {where} is out of range")
    return True


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"expected a string, received {type(value).__name__}")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 62:
        raise TypeError(f"expected a number from 0 on, received {value!r}")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, received {value!r}")
    return value


def _positive(value: Any) -> int:
    _require(_count(value) > 0, "threads")
    return _count(value)


def _dtype(value: Any) -> str:
    dtypes.as_dtype(_text(value))
    return _text(value)
