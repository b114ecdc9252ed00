"""The words of the launch table, and what is printed of it."""

from penstock._src.compiler.plan.launch_table import (
    Jump,
    Label,
    Launch,
    encode,
    offsets,
    text,
    time_words,
)
from penstock._src.native.runner import HEADER, HOLD, JUMP, JUMP_UNLESS, NANOSECONDS

AGAIN, DONE = Label(), Label()
FIRST = Launch(None, "f", 3, [7, "x"], "first", [])
SECOND = Launch(None, "g", 2, [8], "second", [], holds=True)
TABLE = [
    FIRST,
    AGAIN,
    Jump(JUMP_UNLESS, DONE, ["y"]),
    SECOND,
    Jump(HOLD, 0),
    Jump(JUMP, AGAIN),
    DONE,
]


def test_every_record_has_a_header_and_its_arguments():
    ends = (
        HEADER + 2,
        2 * HEADER + 3,
        4 * HEADER + 4,
    )  # of the first launch, the first jump, the second launch
    assert [at for _, at in offsets(TABLE)] == [
        0, ends[0], ends[0], ends[1] + HEADER, ends[2], ends[2] + HEADER, ends[2] + 2 * HEADER,
    ]  # fmt: skip
    addresses, asked = {"f": 1000, "g": 2000}, []

    def word(argument, number):
        asked.append((argument, number))
        return {"x": 55, "y": 66}.get(argument, argument)

    words = encode(TABLE, lambda launch: addresses[launch.function], word)
    assert words == [
        1000, 3, HEADER + 2, 0, 7, 55,
        JUMP_UNLESS, ends[2] + 2 * HEADER, HEADER + 1, 0, 66,
        HOLD, 1, HEADER, 0,
        2000, 2, HEADER + 1, 0, 8,
        HOLD, 0, HEADER, 0,
        JUMP, ends[0], HEADER, 0,
    ]  # fmt: skip
    assert all(words[at] in (3, 7, 55, 66, 2, 8) for _, at in asked)
    assert [argument for argument, _ in asked] == [3, 7, "x", "y", 2, 8]  # tasks, too


def test_times_are_added_to_a_word_of_the_header():
    (first, at), (second, later) = time_words(TABLE)
    assert (first, second) == (FIRST, SECOND)
    assert at == NANOSECONDS and later == 3 * HEADER + 3 + NANOSECONDS
    assert 0 < NANOSECONDS < HEADER


def test_launches_hold_a_run_only_where_that_is_said():
    assert not FIRST.holds
    assert [r.holds for r, _ in offsets([FIRST, SECOND])] == [False, True]


def test_records_are_printed_with_their_places():
    assert text(TABLE).splitlines() == [
        f"{0:6}  first: 3 tasks",
        f"{HEADER + 2:6}  jump unless {4 * HEADER + 4 + 2 * HEADER}",
        f"{3 * HEADER + 3:6}  second: 2 tasks",
        f"{4 * HEADER + 4:6}  hold ",
        f"{5 * HEADER + 4:6}  jump {HEADER + 2}",
    ]
