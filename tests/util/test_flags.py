"""Flags that have no effect are warned of."""

import warnings

import pytest

from penstock._src.util import flags


def test_a_misspelt_variable_is_named_once(monkeypatch):
    monkeypatch.setenv("PENSTOCK_VERFY", "1")
    read = flags.Flags()
    with pytest.warns(RuntimeWarning, match="PENSTOCK_VERFY has no effect.*mean PENSTOCK_VERIFY"):
        assert read.threads >= 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read.debug >= 0
