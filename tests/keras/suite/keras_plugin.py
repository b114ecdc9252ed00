"""What pytest loads to run a tenth of Keras's own tests with Penstock as `tensorflow`. Nothing else imports it."""

import gc
import os
import re
import sys
import zlib

import pytest

import penstock

penstock.install_as_tensorflow()
SHARE = int(os.environ.get("KERAS_SUITE_SHARE", "10"))  # one test in so many

# Some of Keras's tests import the helper below from the conftest.py that its source distribution lacks.
sys.modules["conftest"] = sys.modules[__name__]

# Tests of the tenth that fail on TensorFlow itself.
FAIL_ON_TENSORFLOW = {
    "keras.src.callbacks.orbax_checkpoint_test.OrbaxCheckpointTest::test_comprehensive_model_state_restoration1",
    "keras.src.layers.rnn.rnn_test.RNNTest::test_serialization",
    "keras.src.trainers.trainer_test.TestTrainer::test_fit_with_data_adapter_torch_dataloader_iterable_with_len",
}


def skip_if_backend(name, reason):
    """A mark that skips a test on a backend of Keras."""
    return pytest.mark.skipif(name == "tensorflow", reason=reason)


def name_of(node_id):
    """The test's name as reports have it, without addresses of objects: `package.module.Class::test`."""
    path, *classes, test = node_id.split("::", node_id.split("[")[0].count("::"))
    dotted = ".".join([path.removesuffix(".py").replace("/", "."), *classes])
    return re.sub("0x[0-9a-f]+", "0x", f"{dotted}::{test}")


def is_chosen(node_id):
    """Whether a test belongs to the fixed share: by a checksum of its name."""
    name = name_of(node_id)
    return zlib.crc32(name.encode()) % SHARE == 0 and name not in FAIL_ON_TENSORFLOW


def pytest_configure(config):
    config.addinivalue_line("markers", "requires_trainable_backend: needs a backend that trains")
    config.addinivalue_line("markers", "multi_device: needs several devices")


def pytest_collection_modifyitems(config, items):
    chosen = [item for item in items if is_chosen(item.nodeid)]
    config.hook.pytest_deselected(items=[item for item in items if not is_chosen(item.nodeid)])
    items[:] = chosen
    for item in items:
        if "multi_device" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs several devices"))


def pytest_collection_finish():
    """Keeps collections of garbage, of which Keras makes one for each weight that it quantizes, from modules and tests: they are a million objects."""
    gc.collect()  # what is frozen is not collected later
    gc.freeze()
