"""tf.test.Benchmark: classes with methods that are timed and reported."""

import math
import os
import re
import sys
import time

from google.protobuf import text_format

from penstock._src.core.dispatch import STATE
from penstock._src.proto.config import ConfigProto
from penstock._src.proto.test_log import BenchmarkEntries, MetricEntry
from penstock._src.util import nest
from penstock._src.util.export import export

# A report of each benchmark is appended to `<prefix><name>` if this is set.
REPORT_PREFIX = "TEST_REPORT_FILE_PREFIX"
# All classes with benchmarks, in the order of their definitions.
REGISTERED: list[type] = []
_FILTER = re.compile("--?benchmark_filter=(.*)")


def benchmarks_main(true_main, argv=None):
    """Runs the benchmarks with names that match `--benchmark_filter=`. Without this argument, calls `true_main`.

    Raises:
      ValueError: no benchmark matches.
    """
    argv = sys.argv if argv is None else argv
    wanted = next(filter(None, map(_FILTER.fullmatch, argv)), None)
    if wanted is None:
        true_main()
        return
    argv.remove(wanted[0])
    selected = [
        (cls, name)
        for cls in REGISTERED
        for name in dir(cls)
        if name.startswith("benchmark")
        and callable(getattr(cls, name))
        and (wanted[1] == "all" or re.search(wanted[1], f"{cls.__module__}.{cls.__name__}.{name}"))
    ]
    if not selected:
        raise ValueError(f"No benchmarks matched the pattern: '{wanted[1]}'")
    instances = {cls: cls() for cls, _ in selected}
    for cls, name in selected:
        getattr(instances[cls], name)()


@export("test.benchmark_config")
def benchmark_config():
    """The ConfigProto for benchmark sessions: disables the dependency optimizer.

    Returns:
      A `tf.compat.v1.ConfigProto`.
    """
    config = ConfigProto()
    options = config.graph_options.rewrite_options
    options.dependency_optimization = options.OFF
    return config


@export("test.Benchmark")
class Benchmark:
    """A class with methods `benchmark...` that measure and report."""

    def __init__(self):
        super().__init__()

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if not cls.is_abstract():
            REGISTERED.append(cls)

    @classmethod
    def is_abstract(cls):
        """True if the class has no `benchmark...` method.

        Returns:
          A bool.
        """
        return not any(name.startswith("benchmark") for name in dir(cls))

    def evaluate(self, tensors):
        """The values of a structure of tensors; in a graph, evaluated by the default session.

        Args:
          tensors: a structure of tensors.

        Returns:
          A structure of NumPy arrays.
        """
        if STATE.graph is not None:
            return STATE.graph._default_session().run(tensors)
        return nest.map_structure(lambda t: t.numpy() if hasattr(t, "numpy") else t, tensors)

    def report_benchmark(
        self, iters=None, cpu_time=None, wall_time=None, throughput=None, extras=None, name=None,
        metrics=None,
    ):  # fmt: skip
        """Prints a benchmark result, and appends it to a file if the environment variable is set.

        Args:
          iters: the number of measured runs.
          cpu_time, wall_time: seconds.
          throughput: runs per second.
          extras: {name: number or text}.
          name: by default that of the calling method.
          metrics: dicts with "name" and "value", and "min_value", "max_value" if there are limits.
        """
        entries = BenchmarkEntries()
        entry = entries.entry.add(
            name=self._full_name(name), iters=iters or 0, cpu_time=cpu_time or 0.0,
            wall_time=wall_time or 0.0, throughput=throughput or 0.0,
        )  # fmt: skip
        for key, value in (extras or {}).items():
            if isinstance(value, (int, float)):
                entry.extras[key].double_value = value
            else:
                entry.extras[key].string_value = str(value)
        for metric in metrics or ():
            metric_entry = MetricEntry(name=metric["name"], value=metric["value"])
            for limit in ("min_value", "max_value"):
                if limit in metric:
                    getattr(metric_entry, limit).value = metric[limit]
            entry.metrics.append(metric_entry)
        prefix = os.environ.get(REPORT_PREFIX)
        if prefix:
            with open(prefix + entry.name.replace("/", "__"), "ab") as file:
                file.write(entries.SerializeToString())
        print(text_format.MessageToString(entries), flush=True)

    def _full_name(self, name):
        if name is None:
            # Frame 2 is the benchmark method.
            name = sys._getframe(2).f_code.co_name
        return f"{type(self).__name__}.{name}"

    def run_op_benchmark(
        self, sess, op_or_tensor, feed_dict=None, burn_iters=2, min_iters=10, store_trace=False,
        store_memory_usage=True, name=None, extras=None, mbs=0,
    ):  # fmt: skip
        """Runs an operation several times in a session, and reports the median time.

        Args:
          sess: a session.
          op_or_tensor: what to run.
          feed_dict: what to feed.
          burn_iters: runs before the measured ones.
          min_iters: the number of measured runs.
          store_trace, store_memory_usage: accepted.
          name: of the report.
          extras: {name: number or text} to report as well.
          mbs: megabytes that one run moves, for the throughput.

        Returns:
          A dict of the reported values.
        """
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict=feed_dict)
        times = []
        for _ in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict=feed_dict)
            times.append(time.perf_counter() - start)
        times.sort()
        median = times[len(times) // 2] if times else 0.0
        mean = math.fsum(times) / max(len(times), 1)
        deviation = math.sqrt(math.fsum((t - mean) ** 2 for t in times) / max(len(times), 1))
        report = {
            "iters": min_iters,
            "wall_time": median,
            "extras": {
                **(extras or {}),
                "wall_time_mean": mean,
                "wall_time_stdev": deviation,
            },
            "name": name or sys._getframe(1).f_code.co_name,
            "throughput": mbs / median if median else 0.0,
        }
        self.report_benchmark(**report)
        return report
