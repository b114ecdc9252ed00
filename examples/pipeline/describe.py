"""Statistics of a table that add up: those of a whole table come from those of its files, wherever they were computed.

Of each column: rows, missing values; of numbers minimum, maximum, sums and quantiles; of words how often each stands there.
Counts and sums are exact. Files are added in order, so the result is the same to the bit with every runner.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import table

LEVELS = np.linspace(0, 1, 65)
Statistics = dict[str, dict[str, Any]]


def describe(output: Path, rows: Path) -> None:
    """The step `statistics`, for one file.

    Args:
      output: the folder to write `statistics.json` to.
      rows: a file of the table.
    """
    frame = table.read(rows)
    found = {str(name): of_column(str(name), column) for name, column in frame.items()}
    (output / "statistics.json").write_text(json.dumps(found, indent=1))


def of_column(name: str, column: pd.Series) -> dict[str, Any]:
    """Returns the statistics of a column."""
    present = column.dropna()
    found: dict[str, Any] = {"rows": len(column), "missing": len(column) - len(present)}
    if name in table.WORDS + table.PLACES or not pd.api.types.is_numeric_dtype(column):
        counts = Counter(str(value) for value in present)
        return {**found, "values": dict(sorted(counts.items()))}
    values = present.to_numpy(np.float64)
    quantiles = np.quantile(values, LEVELS).tolist() if len(values) else []
    return {
        **found,
        "sum": float(values.sum()),
        "squares": float((values**2).sum()),
        "quantiles": [[len(values), quantiles]] if len(values) else [],  # of each file
    }


def add(parts: Sequence[Statistics]) -> Statistics:
    """Returns the statistics of a table from those of its files. They have the same columns."""
    return {name: _add_columns([part[name] for part in parts]) for name in parts[0]}


def _add_columns(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {key: sum(part[key] for part in parts) for key in ("rows", "missing")}
    if "values" in parts[0]:
        counts: Counter[str] = Counter()
        for part in parts:
            counts.update(part["values"])
        return {**found, "values": dict(sorted(counts.items()))}
    for key in ("sum", "squares"):
        found[key] = sum(part[key] for part in parts)
    return {**found, "quantiles": [pair for part in parts for pair in part["quantiles"]]}


def load(folders: Sequence[Path]) -> Statistics:
    """Returns the statistics that the step has written, added up."""
    return add([json.loads((folder / "statistics.json").read_text()) for folder in folders])


def mean_and_variance(column: dict[str, Any]) -> tuple[float, float]:
    """Returns these two of a column of numbers."""
    present = column["rows"] - column["missing"]
    mean = column["sum"] / present
    return mean, max(column["squares"] / present - mean**2, 0.0)


def limits(column: dict[str, Any]) -> tuple[float, float]:
    """Returns the smallest and largest value of a column of numbers."""
    return (
        min(grid[0] for _, grid in column["quantiles"]),
        max(grid[-1] for _, grid in column["quantiles"]),
    )


def difference(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Returns how far apart two columns are, from 0 to 1.

    Of numbers this is the largest difference of their distribution functions (Kolmogorov and Smirnov's), of words the largest
    difference of a word's share.
    """
    if "values" in one:
        shares = [
            {w: n / sum(c["values"].values()) for w, n in c["values"].items()} for c in (one, other)
        ]
        words = {*shares[0], *shares[1]}
        return max((abs(shares[0].get(w, 0.0) - shares[1].get(w, 0.0)) for w in words), default=0.0)
    points = np.unique(
        [point for c in (one, other) for _, grid in c["quantiles"] for point in grid]
    )
    return float(np.abs(_below(one, points) - _below(other, points)).max(initial=0.0))


def _below(column: dict[str, Any], points: np.ndarray) -> np.ndarray:
    """The share of values up to each point."""
    total = sum(count for count, _ in column["quantiles"])
    shares = np.zeros(len(points))
    for count, grid in column["quantiles"]:
        # several quantiles may be equal: the last of them counts
        values, last = np.unique(grid[::-1], return_index=True)
        shares += count / total * np.interp(points, values, LEVELS[::-1][last], left=0.0)
    return shares
