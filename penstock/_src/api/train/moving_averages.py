"""tf.train.ExponentialMovingAverage."""

import numpy as np

from penstock._src.api.control.scopes import group
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE, executing_eagerly
from penstock._src.core.registry import raw
from penstock._src.core.typesets import FLOAT
from penstock._src.eager.context import init_scope
from penstock._src.eager.variable import Variable
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.util.slots import above


@export("train.ExponentialMovingAverage")
class ExponentialMovingAverage:
    """Maintains averages of variables, which each `apply` moves towards their values.

    Args:
      decay: the weight of the old average at each step.
      num_updates: if given, the number of steps so far: then the decay is at most
        (1 + num_updates) / (10 + num_updates).
      zero_debias: whether averages of tensors, which start at zero, are bias-corrected.
      name: in the names of the averages.
    """

    def __init__(self, decay, num_updates=None, zero_debias=False, name="ExponentialMovingAverage"):
        self._decay, self._num_updates = decay, num_updates
        self._zero_debias, self._name = zero_debias, name
        self._averages = {}
        self._debiased = {}

    name = read_only("_name", "The name in the names of the averages.")

    def _rate(self, dtype):
        decay = raw.Cast(x=convert_to_tensor(self._decay, name="decay"), DstT=dtype)
        if self._num_updates is None:
            return 1 - decay
        count = raw.Cast(x=convert_to_tensor(self._num_updates), DstT=dtype)
        return 1 - raw.Minimum(x=decay, y=(1 + count) / (10 + count))

    def apply(self, var_list=None):
        """Moves the averages of variables (in graphs also of tensors) towards their values.

        Args:
          var_list: by default all trainable variables of the graph.

        Returns:
          An operation, in graphs.

        Raises:
          TypeError: a value is not floating point or, eagerly, not a variable.
        """
        if var_list is None:
            var_list = (
                [] if executing_eagerly() else STATE.graph.get_collection("trainable_variables")
            )
        for var in var_list:
            if not isinstance(var, Variable) and executing_eagerly():
                raise TypeError(
                    "tf.train.ExponentialMovingAverage does not support non-Variable tensors when eager "
                    "execution is enabled."
                )
            if var.dtype.base_dtype not in FLOAT:
                raise TypeError(f"The variables must be half, float, or double: {var.name}")
            if id(var) not in self._averages:
                self._averages[id(var)] = var, self._new_average(var)
                if isinstance(var, Variable) and not executing_eagerly():
                    STATE.graph.add_to_collection("moving_average_variables", var)
        moved = [self._move(var) for var in var_list]
        return None if executing_eagerly() else group(*moved, name=self._name)

    def _new_average(self, var):
        base = var.name.split(":")[0] if isinstance(var, Variable) else var.op.name
        with init_scope(), above("slot_scope")(f"{base}/{self._name}") as name:
            if isinstance(var, Variable):
                start = var.initialized_value() if hasattr(var, "initialized_value") else var
                return Variable(start, trainable=False, name=name)
            average = _zeros(var.dtype, var.shape.as_list(), name)
            if self._zero_debias:
                self._debiased[id(var)] = (
                    _zeros(var.dtype, var.shape.as_list(), f"{name}/biased"),
                    _zeros(var.dtype, [], f"{name}/local_step"),
                )
            return average

    def _move(self, var):
        average = self._averages[id(var)][1]
        rate = self._rate(average.dtype)
        # As in TensorFlow, only the first `apply` to a tensor corrects the bias.
        sums, steps = self._debiased.pop(id(var), (average, None))
        difference = convert_to_tensor(sums) - convert_to_tensor(var)
        moved = sums.assign_sub(difference * rate)
        if steps is None:
            return moved
        factor = 1 - raw.Pow(x=1 - rate, y=convert_to_tensor(steps.assign_add(1)))
        return average.assign(convert_to_tensor(moved) / factor)

    def average(self, var):
        """The average of a variable, or None if it has none.

        Args:
          var: a variable, or a tensor of a graph.

        Returns:
          A variable or None.
        """
        pair = self._averages.get(id(var))
        return None if pair is None else pair[1]

    def average_name(self, var):
        """The name of a variable's average, without a unique suffix.

        Args:
          var: a variable, or a tensor of a graph.

        Returns:
          A str.
        """
        if id(var) in self._averages:
            return self._averages[id(var)][1].name.split(":")[0]
        base = var.name.split(":")[0] if isinstance(var, Variable) else var.op.name
        return f"{base}/{self._name}"

    def variables_to_restore(self, moving_avg_variables=None):
        """{name in a checkpoint: variable} for restoring averages into the variables themselves.

        Args:
          moving_avg_variables: the variables to restore averages into; by default all trainable variables of the graph and the
            variables that are averaged; eagerly those averaged by this object.

        Returns:
          A dict.
        """
        if moving_avg_variables is None:
            if executing_eagerly():
                moving_avg_variables = [v for v, _ in self._averages.values()]
            else:
                names = ("trainable_variables", "moving_average_variables")
                moving_avg_variables = sum(map(STATE.graph.get_collection, names), [])
        result = {self.average_name(v): v for v in moving_avg_variables}
        if not executing_eagerly():
            restored = {id(v) for v in moving_avg_variables}
            for var in STATE.graph.get_collection("variables"):
                if id(var) not in restored and var.op.name not in result:
                    result[var.op.name] = var
        return result


def _zeros(dtype, extents, name):
    zeros = raw.Fill(dims=np.array(extents, np.int32), value=dtype.as_numpy_dtype(0))
    return Variable(zeros, trainable=False, name=name)
