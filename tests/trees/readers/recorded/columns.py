"""Rows as columns by names, as YDF takes them."""

import numpy as np

TEXTS = np.array(["red", "green", "blue", "black", "white"])


def columns_of(x: np.ndarray, with_texts: bool) -> dict[str, np.ndarray]:
    """Returns the columns f0, f1, ...; the first one as texts, if asked for, where a missing number is empty."""
    columns = {f"f{i}": x[:, i] for i in range(x.shape[1])}
    if with_texts:
        is_missing = np.isnan(x[:, 0])
        known = np.where(is_missing, 0, x[:, 0]).astype(int) % len(TEXTS)
        columns["f0"] = np.where(is_missing, "", TEXTS[known])
    return columns
