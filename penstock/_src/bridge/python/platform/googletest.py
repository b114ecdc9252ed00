"""absl's tests, and TensorFlow's folders for them."""

from typing import Any

from absl.testing import absltest

from penstock._src.api.test.case import main
from penstock._src.api.test.helpers import folder_of_process as GetTempDir
from penstock._src.v1.testing.gradients import test_src_dir_path

absltest_main = absltest.main


def StatefulSessionAvailable() -> bool:
    """False."""
    return False


def __getattr__(name: str) -> Any:
    return getattr(absltest, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(absltest)})
