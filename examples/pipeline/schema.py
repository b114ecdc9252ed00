"""The schema: what a file of the table must be like, as JSON for people to read and edit.

It is inferred once from the first files, then kept beside the data. Each column has

    type          string, integer or number
    missing       the largest share of missing values
    values        the known words, and `unseen`: the largest share of rows with others
    between       the smallest and the largest number
    drift         how far the values may be from those of the first files (describe.difference)
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import describe
import pandera.pandas as pa
import table
from describe import Statistics

TYPES = {"string": "str", "integer": "int64", "number": "float64"}


def infer(output: Path, statistics: list[Path]) -> None:
    """The step `schema`.

    Args:
      output: the folder to write `schema.json` and `reference.json` to.
      statistics: those of the first files.
    """
    files = [describe.load([folder]) for folder in statistics]
    whole = describe.add(files)
    columns = {name: _infer_column(name, whole[name], [f[name] for f in files]) for name in whole}
    (output / "schema.json").write_text(json.dumps(columns, indent=1))
    (output / "reference.json").write_text(json.dumps(whole))


def _infer_column(
    name: str, whole: dict[str, Any], files: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Allows twice the differences that the first files have among themselves, and some more."""
    missing = max(file["missing"] / file["rows"] for file in files)
    drift = max(describe.difference(file, whole) for file in files)
    found: dict[str, Any] = {
        "type": "string" if name in table.WORDS else "number",
        "missing": round(min(2 * missing + 0.01, 1.0), 4) if missing else 0.0,
        "drift": round(min(max(2 * drift, 0.2), 1.0), 4),
    }
    if "values" in whole:
        if name in table.PLACES:
            found["type"] = "integer"
        return {**found, "values": list(whole["values"]), "unseen": 0.01}
    low, high = describe.limits(whole)
    lowest = 0.0 if low >= 0 else 2 * low - high
    return {**found, "between": [lowest, round(2 * high - low, 4)]}


def differences(schema: dict[str, Any], found: Statistics) -> list[dict[str, str]]:
    """Returns what is wrong with a file as a whole: {column, problem, detail} for each anomaly.

    Args:
      schema: with the statistics of the first files as `reference` in each column.
      found: the statistics of the file.
    """
    wrong = []
    for name in schema.keys() & found.keys():
        column, rule = found[name], schema[name]
        share = column["missing"] / column["rows"]
        if share > rule["missing"]:
            wrong.append(
                _anomaly(name, "missing values", f"{share:.1%}, not {rule['missing']:.1%}")
            )
        if "values" in rule and "values" in column:
            rows = sum(column["values"].values())
            unseen = {w: n for w, n in column["values"].items() if w not in set(rule["values"])}
            if sum(unseen.values()) > rule["unseen"] * rows:
                example = max(unseen, key=lambda word: unseen[word])
                detail = f"{sum(unseen.values()) / rows:.1%} of rows, such as {example!r}"
                wrong.append(_anomaly(name, "unknown values", detail))
        if ("values" in column) == ("values" in rule["reference"]):
            drift = describe.difference(column, rule["reference"])
            if drift > rule["drift"]:
                wrong.append(_anomaly(name, "drift", f"{drift:.2f}, not {rule['drift']:.2f}"))
    return wrong


def checker(schema: dict[str, Any]) -> pa.DataFrameSchema:
    """Returns what pandera checks: the columns, their types and each number's limits."""
    columns = {}
    for name, rule in schema.items():
        checks = [pa.Check.in_range(*rule["between"])] if "between" in rule else []
        is_number = rule["type"] == "number"
        columns[name] = pa.Column(TYPES[rule["type"]], checks, nullable=True, coerce=is_number)
    return pa.DataFrameSchema(columns, strict=True)


def _anomaly(column: str, problem: str, detail: str) -> dict[str, str]:
    return {"column": column, "problem": problem, "detail": detail}
