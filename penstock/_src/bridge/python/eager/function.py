"""Functions of graphs under their old names: `tensorflow.python.eager.function`."""

from penstock._src.bridge.python.eager.polymorphic_function.concrete_function import (
    ConcreteFunction,
)
from penstock._src.bridge.python.eager.polymorphic_function.tf_method_target import TfMethodTarget
