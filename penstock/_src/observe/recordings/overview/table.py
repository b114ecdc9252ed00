"""Names of the program with types and ranges, line by line."""

from __future__ import annotations

import collections
import os
from collections.abc import Iterator, Sequence
from typing import Any

from penstock._src.observe.recordings.files import RecordedRun
from penstock._src.observe.recordings.overview.events import Event
from penstock._src.observe.recordings.overview.ranges import in_words, largest_of


def table(run: RecordedRun, events: Sequence[Event]) -> Iterator[str]:
    """The lines at which names were bound, in order, with what they stood for; the largest gradients of each line."""
    values: dict[tuple[str, str], list[Event]] = collections.defaultdict(list)
    gradients: dict[tuple[str, int], list[float]] = collections.defaultdict(list)
    for event in events:
        values[event.key].append(event)
        of = event.origin.gradient_of
        if of is not None:
            known = [largest_of(result) for result in event.results]
            gradients[of.file, of.line] += [size for size in known if size is not None]
    shown = set()
    functions: dict[tuple[str, str], int] = {}
    for location, _ in run.function.lines:
        functions.setdefault((location.file, location.function), len(functions))
    in_order = sorted(
        run.function.lines,
        key=lambda each: (functions[each[0].file, each[0].function], each[0].line),
    )
    for location, bound in in_order:
        place = location.file, location.line
        texts = [
            f"{name} = {_over_rounds([e.results[index] for e in values[function, op]])}"
            for name, (function, op, index) in bound.items()
            if values[function, op]
        ]
        if place in shown or not texts:
            continue
        shown.add(place)
        if gradients[place]:
            texts.append(f"gradients up to {max(gradients[place]):.3g}")
        yield f"{os.path.basename(location.file)}:{location.line}  {'; '.join(texts)}"


def _over_rounds(values: Sequence[Any]) -> str:
    """The value of a name, or the first and last of those that it had in a loop."""
    if len(values) == 1:
        return in_words(values[0])
    return f"{in_words(values[0])}, ... {in_words(values[-1])} in {len(values)} rounds"
