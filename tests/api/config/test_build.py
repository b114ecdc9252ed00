"""Facts about the build."""

import penstock as tf


def test_versions_have_the_names_that_programs_print():
    for module in (tf, tf.compat.v1):
        assert module.__git_version__ == tf.version.GIT_VERSION
        assert module.__compiler_version__ == tf.version.COMPILER_VERSION
        assert module.__cxx11_abi_flag__ == tf.sysconfig.CXX11_ABI_FLAG
