"""Tests drawn from combinations of parameters; `mode` and `tf_api_version` say how they are run."""

from penstock._src.bridge.testing.combinations import (
    EagerGraphCombination,
    NamedObject,
    TFVersionCombination,
    combine,
    generate,
    times,
)
