"""Strategies for tests by name: `tensorflow.python.distribute.strategy_combinations`.

A test that takes one of them is skipped where this process lacks the devices or the other processes that it needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock._src.api.config import devices
from penstock._src.bridge.testing.combinations import Combination
from penstock._src.core.errors import UnimplementedError
from penstock._src.distribute.context import Defaults
from penstock._src.distribute.local import OneDeviceStrategy
from penstock._src.distribute.mirrored.central_storage import CentralStorageStrategy
from penstock._src.distribute.mirrored.strategy import MirroredStrategy
from penstock._src.distribute.resolvers.tpu import TPUClusterResolver
from penstock._src.distribute.unavailable import TPUStrategy
from penstock._src.distribute.workers.strategy import MultiWorkerMirroredStrategy
from penstock._src.util.export import export_constant

from .combinations import NamedDistribution, combine

# Names are TensorFlow's, also where their titles differ.


def _public(name: str) -> None:
    export_constant(f"__internal__.distribute.combinations.{name}", globals()[name], v1=[])


def _one_device(title: str, device: str, **needs: Any) -> NamedDistribution:
    return NamedDistribution(title, lambda: OneDeviceStrategy(device), **needs)


def _mirrored(title: str, *names: str, **needs: Any) -> NamedDistribution:
    return NamedDistribution(title, lambda: MirroredStrategy(list(names)), **needs)


def _central(title: str, *names: str, **needs: Any) -> NamedDistribution:
    return NamedDistribution(title, lambda: CentralStorageStrategy(list(names)), **needs)


def _multi_worker(title: str, **needs: Any) -> NamedDistribution:
    return NamedDistribution(title, MultiWorkerMirroredStrategy, has_chief=True, **needs)


def _parameter_server(title: str, workers: int, gpus: int) -> NamedDistribution:
    def make() -> Any:
        raise UnimplementedError(f"{title}: tests run in one process, without parameter servers.")

    needs: dict[str, Any] = {"has_chief": True, "num_workers": workers, "num_ps": 2}
    return NamedDistribution(title, make, required_gpus=gpus, **needs)


def _tpu(title: str, use_cloud_tpu: bool = False) -> NamedDistribution:
    def make() -> Any:
        return TPUStrategy(TPUClusterResolver(""))

    return NamedDistribution(title, make, required_tpu=True, use_cloud_tpu=use_cloud_tpu)


default_strategy = NamedDistribution("Default", lambda: Defaults.strategy)
one_device_strategy = _one_device("OneDeviceCPU", "/cpu:0")
one_device_strategy_gpu = _one_device("OneDeviceGPU", "/gpu:0", required_gpus=1)
one_device_strategy_on_worker_1 = _one_device(
    "OneDeviceOnWorker1CPU", "/job:worker/replica:0/task:1/cpu:0"
)
one_device_strategy_gpu_on_worker_1 = _one_device(
    "OneDeviceOnWorker1GPU", "/job:worker/replica:0/task:1/gpu:0", required_gpus=1
)
mirrored_strategy_with_one_cpu = _mirrored("Mirrored1CPU", "/cpu:0")
mirrored_strategy_with_one_gpu = _mirrored("Mirrored1GPU", "/gpu:0", required_gpus=1)
mirrored_strategy_with_gpu_and_cpu = _mirrored(
    "MirroredCPUAndGPU", "/gpu:0", "/cpu:0", required_gpus=1
)
mirrored_strategy_with_two_cpus = _mirrored("Mirrored2CPUs", "/cpu:0", "/cpu:1", required_gpus=0)
mirrored_strategy_with_cpu_1_and_2 = _mirrored("Mirrored2CPU", "/cpu:1", "/cpu:2")
mirrored_strategy_with_two_gpus = _mirrored("Mirrored2GPUs", "/gpu:0", "/gpu:1", required_gpus=2)
mirrored_strategy_with_two_gpus_no_merge_call = _mirrored(
    "Mirrored2GPUsNoMergeCall", "/gpu:0", "/gpu:1", required_physical_gpus=2
)
central_storage_strategy_with_gpu_and_cpu = _central(
    "CentralStorageCPUAndGPU", "/gpu:0", "/cpu:0", required_gpus=1
)
central_storage_strategy_with_two_gpus = _central(
    "CentralStorage2GPUs", "/gpu:0", "/gpu:1", required_gpus=2
)
multi_worker_mirrored_2x1_cpu = _multi_worker("MultiWorkerMirrored2x1CPU", no_xla=True)
multi_worker_mirrored_2x1_gpu = _multi_worker(
    "MultiWorkerMirrored2x1GPU", required_gpus=1, share_gpu=False
)
multi_worker_mirrored_2x1_gpu_noshare = _multi_worker(
    "MultiWorkerMirrored2x1GPUNoShare", required_gpus=1, share_gpu=False
)
multi_worker_mirrored_2x2_gpu = _multi_worker(
    "MultiWorkerMirrored2x2GPU", required_gpus=2, no_xla=True
)
multi_worker_mirrored_2x2_gpu_no_merge_call = _multi_worker(
    "MultiWorkerMirrored2x2GPUNoMergeCall", required_physical_gpus=2, no_xla=True
)
multi_worker_mirrored_4x1_cpu = _multi_worker(
    "MultiWorkerMirrored4x1CPU", num_workers=3, no_xla=True
)
parameter_server_strategy_1worker_2ps_cpu = _parameter_server("ParameterServer1Worker2PSCPU", 1, 0)
parameter_server_strategy_1worker_2ps_1gpu = _parameter_server(
    "ParameterServer1Worker2PS1GPU", 1, 1
)
parameter_server_strategy_3worker_2ps_cpu = _parameter_server("ParameterServer3Worker2PSCPU", 3, 0)
parameter_server_strategy_3worker_2ps_1gpu = _parameter_server(
    "ParameterServer3Worker2PS1GPU", 3, 1
)
tpu_strategy = _tpu("TPU")
tpu_strategy_packed_var = _tpu("TPUPackedVar")
tpu_strategy_spmd = _tpu("TPUUseSPMD")
tpu_strategy_one_step = _tpu("TPUOneStep")
tpu_strategy_one_core = _tpu("TPUOneCore")
tpu_strategy_one_step_one_core = _tpu("TPUOneStepOneCore")
cloud_tpu_strategy = _tpu("CloudTPU", use_cloud_tpu=True)

_PRIVATE = {
    "one_device_strategy_on_worker_1",
    "one_device_strategy_gpu_on_worker_1",
    "multi_worker_mirrored_4x1_cpu",
    "tpu_strategy_spmd",
    "tpu_strategy_one_step",
    "tpu_strategy_one_step_one_core",
}
for _name in [name for name, value in globals().items() if isinstance(value, NamedDistribution)]:
    if _name not in _PRIVATE:
        _public(_name)

graph_and_eager_modes = ["graph", "eager"]
tpu_strategies = [tpu_strategy, tpu_strategy_one_step, tpu_strategy_packed_var, cloud_tpu_strategy]
strategies_minus_default_and_tpu = [
    one_device_strategy,
    one_device_strategy_gpu,
    mirrored_strategy_with_gpu_and_cpu,
    mirrored_strategy_with_two_gpus,
]
strategies_minus_tpu = [
    default_strategy,
    *strategies_minus_default_and_tpu,
    central_storage_strategy_with_gpu_and_cpu,
]
all_strategies_minus_default = strategies_minus_default_and_tpu + tpu_strategies
all_strategies = strategies_minus_tpu + tpu_strategies
multidevice_strategies = [
    mirrored_strategy_with_gpu_and_cpu,
    mirrored_strategy_with_two_gpus,
    tpu_strategy,
    tpu_strategy_one_step,
]
multiworker_strategies = [
    multi_worker_mirrored_2x1_cpu,
    multi_worker_mirrored_2x1_gpu,
    multi_worker_mirrored_2x2_gpu,
]
two_replica_strategies = [
    mirrored_strategy_with_gpu_and_cpu,
    mirrored_strategy_with_two_gpus,
    multi_worker_mirrored_2x1_cpu,
    multi_worker_mirrored_2x1_gpu,
    tpu_strategy,
    tpu_strategy_one_step,
    central_storage_strategy_with_gpu_and_cpu,
]
four_replica_strategies = [multi_worker_mirrored_2x2_gpu, multi_worker_mirrored_4x1_cpu]


def _in_modes(
    *groups: tuple[list[NamedDistribution], list[str]],
) -> Callable[[], list[Combination]]:
    """Returns a function without arguments that combines strategies with modes."""

    def combinations() -> list[Combination]:
        return [
            one
            for strategies, modes in groups
            for one in combine(distribution=strategies, mode=modes)
        ]

    return combinations


_IN_GRAPHS = (tpu_strategies, ["graph"])
strategy_minus_tpu_combinations = _in_modes((strategies_minus_tpu, graph_and_eager_modes))
tpu_strategy_combinations = _in_modes(_IN_GRAPHS)
all_strategy_combinations = _in_modes((strategies_minus_tpu, graph_and_eager_modes), _IN_GRAPHS)
all_strategy_minus_default_and_tpu_combinations = _in_modes(
    (strategies_minus_default_and_tpu, graph_and_eager_modes)
)
all_strategy_combinations_minus_default = _in_modes(
    (strategies_minus_default_and_tpu, graph_and_eager_modes), _IN_GRAPHS
)


def set_virtual_cpus_to_at_least(num_virtual_cpus: int) -> None:
    """Divides the CPU into logical devices, unless that was done before.

    Raises:
      ValueError: the number is not positive.
      RuntimeError: the CPU is divided into fewer, or no longer can be.
    """
    if num_virtual_cpus < 1:
        raise ValueError(f"`num_virtual_cpus` must be at least 1 not {num_virtual_cpus}")
    (cpu, *_) = devices.list_physical_devices("CPU")
    configured = devices.get_logical_device_configuration(cpu)
    if not configured:
        each = [devices.LogicalDeviceConfiguration() for _ in range(num_virtual_cpus)]
        devices.set_logical_device_configuration(cpu, each)
    elif len(configured) < num_virtual_cpus:
        raise RuntimeError(
            f"Already configured with {len(configured)} < {num_virtual_cpus} virtual CPUs"
        )
