"""Kernels for AMD's GPUs: what LLVM's AMDGPU makes of them, and their values where 64 or 32 threads go together."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.core.errors import UnimplementedError
from penstock._src.devices.gpu.emulator.device import DEVICE
from penstock._src.devices.gpu.families.amd import WAVEFRONTS, amd_target, assembly_of
from penstock._src.devices.gpu.kernels.generator import CudaGenerator
from penstock._src.devices.gpu.kernels.language import CudaModule
from penstock._src.devices.gpu.kernels.tensor_maps import TensorMap
from penstock._src.native.language.types import F32, F64, I64
from tests.devices.gpu.emulated import by_reference, launches, on_gpu, run

RANDOM = np.random.default_rng(2)
FUNCTIONS = {
    "elementwise": (lambda x: tf.exp(x) * 2.0 + tf.tanh(x), (33, 130)),
    "softmax of rows": (tf.nn.softmax, (6, 100)),
    "softmax of long rows": (tf.nn.softmax, (3, 1500)),
    "sums of columns": (lambda x: tf.reduce_sum(x, 0), (70, 40)),
    "sum of everything": (lambda x: tf.reduce_sum(x * x), (40, 130)),
    "first largest": (lambda x: tf.argmax(x, 1), (5, 300)),
    "float64": (lambda x: tf.reduce_max(tf.cast(x, tf.float64), 1), (4, 90)),
    "product": (lambda x: tf.matmul(x, x, transpose_b=True), (20, 33)),
}


@pytest.fixture(params=WAVEFRONTS)
def architecture(request, monkeypatch):
    """Programs are planned for an architecture of AMD's, and run on the emulator."""
    generator = CudaGenerator(amd_target(request.param))
    monkeypatch.setattr(type(DEVICE), "generator", property(lambda _: generator))
    return request.param


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_assembly(name, architecture):
    function, shape = FUNCTIONS[name]
    x = tf.constant(RANDOM.standard_normal(shape).astype(np.float32))
    with launches() as made:
        found = on_gpu(lambda x: function(x), x)
    np.testing.assert_allclose(found, by_reference(function, x), rtol=1e-5, atol=1e-5)
    for launch in made:
        text = assembly_of(launch.code)
        assert f'.amdgcn_target "amdgcn-amd-amdhsa--{architecture}' in text
        assert "s_endpgm" in text and "scratch_store" not in text and "buffer_store" not in text
        assert f".amdhsa_wavefront_size32 {int(WAVEFRONTS[architecture] == 32)}" in text or (
            WAVEFRONTS[architecture] == 64 and ".amdhsa_wavefront_size32" not in text
        )


def of_threads(write, name, threads=128):
    module = CudaModule(amd_target(name), threads)
    with module.kernel() as f:
        write(f)
    return module.finished()


@pytest.mark.parametrize("name", WAVEFRONTS)
@pytest.mark.parametrize(("ty", "dtype"), [(F32, np.float32), (F64, np.float64), (I64, np.int64)])
def test_shuffles_add_up_each_wavefront(name, ty, dtype):
    wavefront = WAVEFRONTS[name]

    def write(f):
        x = f.load(f.load(f.ctx, 0), f.thread, ty)
        distance = f.wavefront // 2
        while distance:
            x = x + f.shuffled(x, distance)
            distance //= 2
        f.store(x, f.load(f.ctx, 1), f.thread)

    code = of_threads(write, name)
    numbers = np.arange(128).astype(dtype) * 3
    _, found = run(code, [numbers, np.zeros(128, dtype)])
    wanted = np.repeat(numbers.reshape(-1, wavefront).sum(1), wavefront)
    np.testing.assert_array_equal(found, wanted)
    assert "ds_bpermute_b32" in assembly_of(code)


@pytest.mark.parametrize("name", WAVEFRONTS)
def test_other_shuffles_and_barriers(name):
    wavefront = WAVEFRONTS[name]

    def write(f):
        room = f.shared(128 * 4)
        x = f.load(f.load(f.ctx, 0), f.thread, F32)
        f.store(f.shuffled_up(x, 3) + f.shuffled_from(x, 5), room, f.thread)
        f.barrier()
        f.store(f.load(room, f.thread ^ 127, F32), f.load(f.ctx, 1), f.thread)

    numbers = np.arange(128, dtype=np.float32)
    code = of_threads(write, name)
    _, found = run(code, [numbers, numbers])
    lane = np.arange(128) % wavefront
    first = np.arange(128) - lane
    wanted = np.where(lane < 3, numbers, numbers - 3) + first + 5
    np.testing.assert_array_equal(found, wanted[::-1])
    assert "s_barrier" in assembly_of(code)


def test_what_they_lack_is_said():
    with pytest.raises(UnimplementedError, match="gfx803.*gfx90a"):
        amd_target("gfx803")
    described = TensorMap(0, 0, "half", (64, 64), (128,), (64, 64))
    with pytest.raises(UnimplementedError, match="no tensor maps"):
        with CudaModule(amd_target("gfx90a"), 64, [described]).kernel():
            pass
