"""A server in a thread of a program that also does other work."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from penstock._src.serving.options import Options
from penstock._src.serving.server import Server
from penstock._src.util.export import export


@export("serving.running", v1=[])
@contextlib.contextmanager
def running(options: Options) -> Iterator[Server]:
    """Serves within the block; gives the server once it answers.

    Args:
      options: of the server; port 0 is a free one, which `rest_port` then returns.

    Returns:
      A context manager.

    Raises:
      OSError: it cannot listen at its ports.

    >>> import urllib.request
    >>> class Double(tf.Module):
    ...     @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    ...     def __call__(self, x):
    ...         return {"y": 2.0 * x}
    >>> tf.saved_model.save(Double(), "served/double/1")
    >>> model = tf.serving.ModelConfig("double", "served/double")
    >>> options = tf.serving.Options((model,), rest_port=0, grpc_port=-1)
    >>> with tf.serving.running(options) as server:
    ...     url = f"http://localhost:{server.rest_port}/v1/models/double:predict"
    ...     print(urllib.request.urlopen(url, b'{"instances": [4]}').read())
    b'{"predictions":[8.0]}'
    """
    ready = threading.Event()
    failures: list[BaseException] = []
    started: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []
    server = Server(options)

    async def serve() -> None:
        task = asyncio.current_task()
        assert task is not None
        started.append((asyncio.get_running_loop(), task))
        await server.serve(ready.set)

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            failures.append(error)
        ready.set()

    thread = threading.Thread(target=work, name="server", daemon=True)
    thread.start()
    ready.wait()
    if failures:
        raise failures[0]
    try:
        yield server
    finally:
        loop, task = started[0]
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
