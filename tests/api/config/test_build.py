"""Facts about the build."""

import re

import penstock as tf
from penstock._src.version import OWN_VERSION


def test_versions_have_the_names_that_programs_print():
    for module in (tf, tf.compat.v1):
        assert module.__git_version__ == tf.version.GIT_VERSION
        assert module.__compiler_version__ == tf.version.COMPILER_VERSION
        assert module.__cxx11_abi_flag__ == tf.sysconfig.CXX11_ABI_FLAG


def test_the_version_is_three_numbers():
    """As programs read it: `int(tf.__version__.split(".")[2])`."""
    major, minor, patch = (int(part) for part in tf.__version__.split("."))
    assert (major, minor) >= (2, 21) and patch >= 0
    assert tf.version.VERSION == tf.__version__ == tf.compat.v1.VERSION


def test_the_distribution_has_a_version_for_package_indexes():
    """Indexes refuse local versions, such as 2.21.0+penstock."""
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc|\.post|\.dev)\d+)?", OWN_VERSION)
    assert OWN_VERSION in tf.version.GIT_VERSION
