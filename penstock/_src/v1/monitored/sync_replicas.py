"""tf.compat.v1.train.SyncReplicasOptimizer: averages the workers' gradients before each step."""

from typing import Any

from penstock._src.api.control.scopes import control_dependencies, group
from penstock._src.api.dataflow.queues import FIFOQueue
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape
from penstock._src.util.export import export
from penstock._src.v1.inputs.accumulators import (
    ConditionalAccumulator,
    SparseConditionalAccumulator,
)
from penstock._src.v1.inputs.queue_runner import QueueRunner
from penstock._src.v1.monitored.hooks import SessionRunHook
from penstock._src.v1.training.optimizers import Optimizer
from penstock._src.v1.variables.collections import (
    GraphKeys,
    VariableV1,
    global_variables,
    report_uninitialized_variables,
)


@export(v1=["train.SyncReplicasOptimizer"])
class SyncReplicasOptimizer(Optimizer):
    """Collects the gradients of several replicas, and makes one step with their means.

    Each replica adds its gradients to accumulators, which drop gradients of older steps, and waits for a token. The chief
    takes the means once there are enough gradients, makes the step, and distributes tokens of the new step.

    Args:
      opt: the optimizer that makes the steps.
      replicas_to_aggregate: how many gradients a step needs.
      total_num_replicas: the number of replicas; by default `replicas_to_aggregate`.
      variable_averages: moving averages, which are updated for `variables_to_average`.
      use_locking: passed to the base optimizer.
      name: of the operations.
    """

    def __init__(
        self,
        opt: Any,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = "sync_replicas",
    ) -> None:
        super().__init__(use_locking, name)
        total = replicas_to_aggregate if total_num_replicas is None else total_num_replicas
        self._opt, self._replicas, self._total = opt, replicas_to_aggregate, total
        self._tokens = max(total, replicas_to_aggregate)
        self._averages, self._averaged = variable_averages, variables_to_average
        self._applied = False
        self._global_step: Any = None
        self.local_step_init_op: Any = None
        self.chief_init_op: Any = None
        self.ready_for_local_init_op: Any = None

    def compute_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """Delegates to the wrapped optimizer."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Any = None, name: str | None = None
    ) -> Any:
        """The operation of a replica: submits its gradients, and waits for the step.

        Raises:
          ValueError: there are no gradients, or no global step.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step, self._applied = global_step, True
        graph: Any = STATE.graph
        with graph.colocate_with(raw.NoOp()):  # with each replica, not on a parameter server
            self._local_step = VariableV1(
                0,
                trainable=False,
                collections=[GraphKeys.LOCAL_VARIABLES],
                dtype=global_step.dtype,
                name="sync_rep_local_step",
            )
        self.local_step_init_op = self._local_step.assign(
            convert_to_tensor(global_step), read_value=False
        )
        self.ready_for_local_init_op = report_uninitialized_variables(global_variables())
        handed, means, variables = [], [], []
        starts = [self.local_step_init_op]
        for gradient, variable in pairs:
            if gradient is not None:
                with graph.device(variable.device):
                    submission, mean, started = self._through_accumulator(gradient, variable)
                handed.append(submission)
                starts.append(started)
                means.append(mean)
                variables.append(variable)
        self.chief_init_op = group(*starts)
        with graph.device(global_step.device):
            step, sync = self._through_tokens(handed, list(zip(means, variables, strict=True)))
        self._runner = QueueRunner(self._queue, [sync])
        with control_dependencies([step]):
            return raw.NoOp(name=name or self._name)

    def _through_tokens(self, handed: list[Any], pairs: list[Any]) -> tuple[Any, Any]:
        """Returns (the operation that takes the token of the next step, the operation that makes a step and gives tokens)."""
        step = self._global_step
        update = self._opt.apply_gradients(pairs, step)
        queue = FIFOQueue(
            -1, dtypes.int64, shapes=((),), name="sync_token_q", shared_name="sync_token_q"
        )
        self._queue = queue
        with control_dependencies(handed):
            token = queue.dequeue()
        taken = self._local_step.assign(raw.Cast(x=token, DstT=step.dtype), read_value=False)
        with control_dependencies([update]):
            tokens = raw.Fill(dims=[self._tokens], value=self._step_as_token())
            sync = queue.enqueue_many((tokens,))
        if self._averages is not None:
            with control_dependencies([sync]):
                sync = self._averages.apply(self._averaged)
        return taken, sync

    def _step_now(self) -> Any:
        """The global step."""
        return raw.Cast(x=convert_to_tensor(self._global_step), DstT=dtypes.int64)

    def _step_as_token(self) -> Any:
        """The global step after the update, as a token."""
        read = raw.ReadVariableOp(resource=self._global_step.handle, dtype=self._global_step.dtype)
        return raw.Cast(x=read, DstT=dtypes.int64)

    def _through_accumulator(self, gradient: Any, variable: Any) -> tuple[Any, Any, Any]:
        """Returns (the operation that submits a gradient, the mean of the submitted gradients, the operation that drops those of earlier steps)."""
        step = raw.Cast(x=convert_to_tensor(self._local_step), DstT=dtypes.int64)
        name = f"{variable.op.name}/grad_accum"
        if isinstance(gradient, IndexedSlices):
            sparse = SparseConditionalAccumulator(gradient.dtype, shape=(), shared_name=name)
            submission = sparse.apply_indexed_slices_grad(gradient, local_step=step)
            started = sparse.set_global_step(self._step_now())
            return submission, sparse.take_indexed_slices_grad(self._replicas), started
        shape = gradient.shape if gradient.shape.is_fully_defined() else TensorShape(variable.shape)
        dense = ConditionalAccumulator(gradient.dtype, shape=shape, shared_name=name)
        submission = dense.apply_grad(gradient, local_step=step)
        return submission, dense.take_grad(self._replicas), dense.set_global_step(self._step_now())

    def get_chief_queue_runner(self) -> QueueRunner:
        """The runner with which the chief makes steps.

        Raises:
          ValueError: called before `apply_gradients`.
        """
        if not self._applied:
            raise ValueError("Should be called after apply_gradients().")
        return self._runner

    def get_init_tokens_op(self, num_tokens: int = -1) -> Any:
        """The operation that distributes the first tokens.

        Raises:
          ValueError: called before `apply_gradients`, or there are too few tokens.
        """
        if not self._applied:
            raise ValueError("get_init_tokens_op() should be called after apply_gradients().")
        needed = self._replicas - self._total
        count = self._replicas if num_tokens == -1 else num_tokens
        if count < needed:
            raise ValueError(
                f"Too few tokens to finish the first step: {count} (given) vs {needed} (needed)"
            )
        if count == 0:
            return raw.NoOp(name="no_init_tokens")
        graph: Any = STATE.graph
        with graph.device(self._global_step.device):
            tokens = raw.Fill(dims=[count], value=self._step_as_token())
            return self._queue.enqueue_many((tokens,))

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """Delegates to the wrapped optimizer."""
        return self._opt.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> list[str]:
        """Delegates to the wrapped optimizer."""
        return self._opt.get_slot_names(*args, **kwargs)

    def variables(self) -> list[Any]:
        """Delegates to the wrapped optimizer."""
        return self._opt.variables()

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """The hook that starts the chief's runner and distributes the first tokens."""
        return _SyncReplicasOptimizerHook(self, is_chief, num_tokens)


class _SyncReplicasOptimizerHook(SessionRunHook):
    """Starts the runner and runs the initial operations when a session is created."""

    def __init__(self, optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int) -> None:
        self._optimizer, self._is_chief, self._num_tokens = optimizer, is_chief, num_tokens

    def begin(self) -> None:
        """Adds the initial operations to the graph.

        Raises:
          ValueError: the optimizer was not used yet.
        """
        optimizer = self._optimizer
        if not optimizer._applied:
            raise ValueError(
                "SyncReplicasOptimizer.apply_gradient should be called before using the hook."
            )
        self._local_init = (
            optimizer.chief_init_op if self._is_chief else optimizer.local_step_init_op
        )
        self._runner = optimizer.get_chief_queue_runner() if self._is_chief else None
        self._tokens = optimizer.get_init_tokens_op(self._num_tokens) if self._is_chief else None

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Runs the initial operations.

        Raises:
          RuntimeError: variables are not initialized.
        """
        missing = session.run(self._optimizer.ready_for_local_init_op)
        if len(missing):
            names = ", ".join(name.decode() for name in missing)
            raise RuntimeError(
                "Init operations did not make model ready for SyncReplicasOptimizer local_init. Init op: "
                f"{self._local_init.name}, error: Variables not initialized: {names}"
            )
        session.run(self._local_init)
        if self._tokens is not None:
            session.run(self._tokens)
        if self._runner is not None:
            self._runner.create_threads(session, coord=coord, daemon=True, start=True)
