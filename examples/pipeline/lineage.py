"""Lineage: which data, code and parameters made an artifact, and what was made from a file.

Every artifact carries its record. This module gathers the records into an SQLite file with the tables of ML Metadata's
model: artifacts, executions, and events that link them. Asks it on the command line:

    python lineage.py ROOT                      the models, with the data that made them
    python lineage.py ROOT train/KEY            all that an artifact was made from
    python lineage.py ROOT serving/flights/3    the same of the model that is served as this version
    python lineage.py ROOT 2013-03.csv.gz       all that was made from a file
"""

import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

from push import origin
from store import RECORD

TABLES = """
create table if not exists artifacts (name text, digest text, primary key (name, digest));
create table if not exists executions (
    id text primary key, step text, code text, parameters text, libraries text, started real, seconds real);
create table if not exists events (
    execution text references executions, kind text, slot text, name text, digest text,
    primary key (execution, kind, slot, name, digest));
"""
UP = """
with recursive above(name, digest, depth) as (
    select ?1, (select digest from artifacts where name = ?1), 0
    union
    select reads.name, reads.digest, depth + 1 from above
    join events as writes on writes.kind = 'output' and writes.name = above.name
    join events as reads on reads.kind = 'input' and reads.execution = writes.execution)
select name, digest, min(depth) from above where depth > 0 group by name, digest order by 3, 1
"""
DOWN = """
with recursive below(name, depth) as (
    select ?1, 0
    union
    select writes.name, depth + 1 from below
    join events as reads on reads.kind = 'input' and reads.name = below.name
    join events as writes on writes.kind = 'output' and writes.execution = reads.execution)
select name, min(depth) from below where depth > 0 group by name order by 2, 1
"""


class Lineage:
    """The lineage of all artifacts below a folder."""

    def __init__(self, root: Path) -> None:
        self._base = sqlite3.connect(root / "lineage.sqlite")
        self._base.executescript(TABLES)
        with self._base:
            for path in sorted((root / "artifacts").glob(f"*/*/{RECORD}")):
                self._add(json.loads(path.read_text()))

    def _add(self, record: dict[str, Any]) -> None:
        name = f"{record['step']}/{record['key']}"
        texts = [json.dumps(record[column]) for column in ("parameters", "libraries")]
        row = [name, record["step"], record["code"], *texts, record["started"], record["seconds"]]
        self._base.execute("insert or ignore into executions values (?, ?, ?, ?, ?, ?, ?)", row)
        links = [("input", *link) for link in record["inputs"]]
        for kind, slot, linked, digest in [*links, ("output", "", name, record["output"])]:
            self._base.execute("insert or ignore into artifacts values (?, ?)", [linked, digest])
            self._base.execute(
                "insert or ignore into events values (?, ?, ?, ?, ?)",
                [name, kind, slot, linked, digest],
            )

    def made_from(self, name: str) -> list[tuple[str, str]]:
        """Returns (name, digest) of everything that an artifact was made from, nearest first."""
        return [(found, digest) for found, digest, _ in self._base.execute(UP, [name])]

    def data_of(self, name: str) -> list[tuple[str, str]]:
        """Returns (name, digest) of the files from outside that an artifact was made from."""
        return sorted(pair for pair in self.made_from(name) if "/" not in pair[0])

    def made_with(self, name: str) -> list[str]:
        """Returns the names of everything that was made from an artifact or file, nearest first."""
        return [found for found, _ in self._base.execute(DOWN, [name])]

    def execution(self, name: str) -> dict[str, Any]:
        """Returns the step, code, parameters, libraries and times of the run that made an artifact."""
        cursor = self._base.execute("select * from executions where id = ?", [name])
        row = cursor.fetchone()
        if row is None:
            raise KeyError(f"No step has made {name!r}.")
        found = dict(zip([column[0] for column in cursor.description], row, strict=True))
        return {**found, **{key: json.loads(found[key]) for key in ("parameters", "libraries")}}

    def all_of(self, step: str) -> list[str]:
        """Returns the names of all artifacts of a step, in the order they were made."""
        query = "select id from executions where step = ? order by started"
        return [name for (name,) in self._base.execute(query, [step])]


def main(root: str, name: str = "") -> None:
    """Prints the answer to one of the questions above."""
    lineage = Lineage(Path(root))
    if not name:
        for model in lineage.all_of("train"):
            files = [file for file, _ in lineage.data_of(model)]
            print(model, lineage.execution(model)["parameters"], *files, sep="\n  ")
    elif "/" in name:
        version = Path(root) / name
        name = origin(version) if version.exists() else name
        print(json.dumps(lineage.execution(name), indent=1))
        for found, digest in lineage.made_from(name):
            print(f"  {digest[:12]}  {found}")
    else:
        print(*lineage.made_with(name), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
