"""`import tensorflow_text` where Penstock stands for TensorFlow."""

import importlib
import importlib.metadata
import subprocess
import sys

import pytest

from penstock._src.bridge.text.paths import PATHS

PROGRAM = """
import penstock
penstock.install_as_tensorflow()
import tensorflow_text as text
from tensorflow_text.python.ops.bert_tokenizer import BasicTokenizer
from tensorflow_text.tools.wordpiece_vocab import bert_vocab_from_dataset
from importlib.metadata import version
assert text.BertTokenizer is penstock.text.BertTokenizer and text.metrics.rouge_l is penstock.text.metrics.rouge_l
print(text.__version__ == version("tensorflow-text"), len([n for n in dir(text) if not n.startswith("_")]))
try:
    text.no_such_name
except AttributeError as error:
    print("no_such_name" in str(error))
"""


def test_the_stand_in_is_imported_under_its_name():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    # tensorflow-text 2.21.1 has 64 names.
    assert done.stdout.split() == ["True", "64", "True"]


FILES = """
import importlib.util, inspect, os
import penstock
penstock.install_as_tensorflow()
import tensorflow_text as text
import tensorflow_text.python.ops.bert_tokenizer as bert
import tensorflow_decision_forests as forests
import tensorflow_decision_forests.component as component
assert importlib.util.find_spec("tensorflow_text").origin == text.__file__
for module in (text, bert, forests, component):
    assert inspect.getfile(module) == module.__file__ and os.path.isfile(module.__file__)
assert inspect.getsourcefile(text.BertTokenizer) == bert.__file__
print(*(os.path.relpath(module.__file__, os.path.dirname(penstock.__file__)) for module in (text, forests)))
"""


def test_packages_that_are_stood_in_for_have_files():
    done = subprocess.run([sys.executable, "-c", FILES], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["text/__init__.py", "_src/bridge/decision_forests/__init__.py"]


@pytest.mark.parametrize(
    "path", [path for path, sources in PATHS.items() if sources and sources != ("*",)]
)
def test_modules_of_the_table_are_there(path):
    for source in PATHS[path]:
        assert importlib.import_module(source).__name__ == source
