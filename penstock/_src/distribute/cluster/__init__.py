"""Servers, parameter servers, coordination and preemption, for programs that run as several processes.

`tasks/` is what `tf.distribute.Server` serves, `parameter_server/` the strategy and coordinator on top of it; sessions of other processes are
`v1/graphs/remote/`.

Tasks that come and go (`distribute/cluster/tasks/`) call one another by gRPC (`cluster/rpc/`). A resource of another process is a `RemoteResource`:
the kernel of an op that takes it runs there (`core/op.py`), whether the op is called eagerly, in a compiled function's host steps or in a loop. A
process that is connected to a cluster (`connected.py`) has hooks in the slots of eager ops and functions, which run what `tf.device` places in a task
there. Nothing of such a variable is lowered. Functions are sent as FunctionDefs, values as TensorProtos; calls with effects are numbered, and done
once. `ParameterServerStrategy` (`distribute/cluster/parameter_server/`) makes variables there and sends functions to workers. Sessions of TensorFlow
1 (`v1/graphs/remote/`), and functions whose variables are in other tasks, are cut into parts of one task each (`distribute/cluster/steps/`): the
session's process, or the one that runs the function, runs each part once what it reads is there. A task imports the nodes that it is sent once
(`tasks/sessions.py`), so kernels keep their state from run to run, and values that a later part of the step takes stay there. The tf.data service
(`data/experimental/service/`) has messages of its own over the same calls; servers of the same process are called directly. A snapshot's progress
(`snapshots/`) is what is in the dispatcher's journal: a worker first writes a chunk and its iterators' position into its stream's folder, tells the
dispatcher, and then moves the chunk to where readers look.
"""
