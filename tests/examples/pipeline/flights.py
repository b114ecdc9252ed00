"""Where the example is, and the files that its tests write."""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).resolve().parents[3] / "examples" / "pipeline"
MONTHS = ["2013-01", "2013-02", "2013-03", "2013-04", "2013-05"]


def write(folder: Path, month: str, rows: pd.DataFrame) -> Path:
    """Writes a file of the table and returns its path."""
    path = folder / f"{month}.csv"
    rows.to_csv(path, index=False)
    return path
