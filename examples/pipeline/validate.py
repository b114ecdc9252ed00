"""Validation: a file that is not as the schema says goes no further.

Rows are checked by pandera: the columns, their types and limits; the file as a whole by its statistics: missing values, unknown
words, drift.
"""

import json
from pathlib import Path
from typing import Any

import describe
import pandera.pandas as pa
import schema as schemas
import table


class BadDataError(Exception):
    """Files that are not as the schema says."""


def validate(output: Path, rows: Path, statistics: Path, schema: Path, reference: Path) -> None:
    """The step `validate`, for one file.

    Args:
      output: the folder to write `anomalies.json` to.
      rows: the file.
      statistics: of the file.
      schema: the schema, perhaps edited.
      reference: the statistics that the schema was inferred from.
    """
    rules = json.loads(schema.read_text())
    expected = json.loads(reference.read_text())
    wrong = wrong_rows(rules, rows)
    whole = {name: {**rule, "reference": expected[name]} for name, rule in rules.items()}
    known = {anomaly["column"] for anomaly in wrong}
    for anomaly in schemas.differences(whole, describe.load([statistics])):
        if anomaly["column"] not in known:  # a column of another type differs in everything
            wrong.append(anomaly)
    wrong.sort(key=lambda anomaly: (anomaly["column"], anomaly["problem"]))
    (output / "anomalies.json").write_text(json.dumps(wrong, indent=1))


def wrong_rows(rules: dict[str, Any], rows: Path) -> list[dict[str, str]]:
    """Returns what pandera finds in a file: {column, problem, detail}, one for each column and check."""
    try:
        schemas.checker(rules).validate(table.read(rows), lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.fillna({"column": ""})
        of_type = cases["check"].str.contains("dtype")
        mistyped = set(cases["column"][of_type])  # their limits mean nothing
        kept = cases[of_type | ~cases["column"].isin(mistyped)]
        return [
            _anomaly(rules, str(column), str(check), found)
            for (column, check), found in kept.groupby(["column", "check"])
        ]
    return []


def _anomaly(rules: dict[str, Any], column: str, check: str, cases: Any) -> dict[str, str]:
    """What is wrong with a column, from the rows of pandera's report."""
    case = str(cases["failure_case"].iloc[0])
    if check == "column_in_dataframe":
        return {"column": case, "problem": "column missing", "detail": rules[case]["type"]}
    if check == "column_in_schema":
        return {"column": case, "problem": "column not in the schema", "detail": ""}
    if "dtype" in check:
        detail = f"{case}, not {rules[column]['type']}"
        return {"column": column, "problem": "type", "detail": detail}
    detail = f"{len(cases)} rows, such as {case}, not between {rules[column]['between']}"
    return {"column": column, "problem": "out of limits", "detail": detail}


def require_good(reports: dict[str, Path]) -> None:
    """Raises BadDataError if any file has anomalies.

    Args:
      reports: the outputs of the step by the names of the files.
    """
    lines = []
    for name, folder in reports.items():
        for anomaly in json.loads((folder / "anomalies.json").read_text()):
            lines.append("{:20} {column:12} {problem:24} {detail}".format(name, **anomaly))
    if lines:
        raise BadDataError("\n".join(["The data is not as the schema says:", *lines]))
