"""`tensorflow.python.ops.rnn_cell_impl`: the cells of `v1/layers/recurrent/`."""

from penstock._src.v1.layers.recurrent.cell import BIAS as _BIAS_VARIABLE_NAME
from penstock._src.v1.layers.recurrent.cell import KERNEL as _WEIGHTS_VARIABLE_NAME
from penstock._src.v1.layers.recurrent.cell import LayerRNNCell, RNNCell
from penstock._src.v1.layers.recurrent.cell_wrappers import (
    DeviceWrapper,
    DropoutWrapper,
    MultiRNNCell,
    ResidualWrapper,
)
from penstock._src.v1.layers.recurrent.cells import BasicRNNCell, GRUCell
from penstock._src.v1.layers.recurrent.lstm import BasicLSTMCell, LSTMCell, LSTMStateTuple
from penstock._src.v1.layers.recurrent.states import joined_shape as _concat
from penstock._src.v1.layers.recurrent.states import require_cell as assert_like_rnncell
from penstock._src.v1.layers.recurrent.states import zero_state as _zero_state_tensors

__all__ = [
    "_BIAS_VARIABLE_NAME",
    "_WEIGHTS_VARIABLE_NAME",
    "_concat",
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "LayerRNNCell",
    "MultiRNNCell",
    "RNNCell",
    "ResidualWrapper",
    "_zero_state_tensors",
    "assert_like_rnncell",
]
