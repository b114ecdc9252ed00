"""The emulator: threads that wait for one another, and the faults that it finds."""

import numpy as np
import pytest

from penstock._src.devices.gpu.emulator import KernelFault
from penstock._src.devices.gpu.kernels.contractions.matrices import load_matrices
from penstock._src.native.language.types import F32, F64, I64, vec
from tests.devices.gpu.emulated import kernel, run


def floats(n):
    return np.arange(n, dtype=np.float32)


def test_threads_and_blocks_have_their_numbers():
    def write(f):
        f.store(f.thread + f.number * 1000, f.load(f.ctx, 0), f.number * 64 + f.thread)

    (found,) = run(kernel(write), [np.zeros(192, np.int64)], blocks=3)
    np.testing.assert_array_equal(found, [t + 1000 * b for b in range(3) for t in range(64)])


@pytest.mark.parametrize(("ty", "dtype"), [(F32, np.float32), (F64, np.float64), (I64, np.int64)])
def test_shuffles_add_up_each_warp(ty, dtype):
    def write(f):
        x = f.load(f.load(f.ctx, 0), f.thread, ty)
        for distance in (16, 8, 4, 2, 1):
            x = x + f.shuffled(x, distance)
        f.store(x, f.load(f.ctx, 1), f.thread)

    numbers = np.arange(64).astype(dtype) * 3
    _, found = run(kernel(write), [numbers, np.zeros(64, dtype)])
    np.testing.assert_array_equal(found, np.repeat(numbers.reshape(2, 32).sum(1), 32))


def reversed_through_shared_memory(f, waits=True):
    room = f.shared(64 * 4)
    f.store(f.load(f.load(f.ctx, 0), f.thread, F32), room, f.thread)
    if waits:
        f.barrier()
    f.store(f.load(room, 63 - f.thread, F32), f.load(f.ctx, 1), f.thread)


def test_a_barrier_shows_what_others_wrote():
    _, found = run(kernel(reversed_through_shared_memory), [floats(64), floats(64)])
    np.testing.assert_array_equal(found, floats(64)[::-1])


def test_without_a_barrier_shared_memory_is_read_too_early():
    code = kernel(lambda f: reversed_through_shared_memory(f, waits=False))
    with pytest.raises(KernelFault, match="shared memory.*nobody has written"):
        run(code, [floats(64), floats(64)])


def test_two_threads_that_write_one_place_race():
    def write(f):
        room = f.shared(64 * 4)
        f.store(f.const(1.0, F32), room, f.thread // 2)

    with pytest.raises(KernelFault, match="thread 1 of block 0 stores.*race with thread 0"):
        run(kernel(write), [floats(64)])


def test_a_write_after_others_read_in_the_same_epoch_races():
    def write(f):
        room = f.shared(64 * 4)
        f.store(f.const(1.0, F32), room, f.thread)
        f.barrier()
        x = f.load(room, (f.thread + 1) % 64, F32)
        f.store(x, room, f.thread)

    with pytest.raises(KernelFault, match="race"):
        run(kernel(write), [floats(64)])


@pytest.mark.parametrize("waits", [True, False])
def test_a_warp_keeps_its_threads_apart_by_a_barrier_of_its_own(waits):
    def write(f):
        room = f.shared(64 * 4)
        f.store(f.const(1.0, F32), room, f.thread)
        if waits:
            f.warp_barrier()
        f.store(f.const(2.0, F32), room, f.thread ^ 1)

    if waits:
        run(kernel(write), [floats(64)])
    else:
        with pytest.raises(KernelFault, match="race"):
            run(kernel(write), [floats(64)])


def test_a_barrier_of_a_warp_does_not_hold_others():
    def write(f):
        room = f.shared(64 * 4)
        f.store(f.const(1.0, F32), room, f.thread)
        f.warp_barrier()
        f.store(f.const(2.0, F32), room, f.thread ^ 32)

    with pytest.raises(KernelFault, match="race"):
        run(kernel(write), [floats(64)])


def test_a_store_after_all_lanes_have_read_races_without_a_barrier():
    def write(f, waits):
        x = f.load(f.load(f.ctx, 0), 0, F32)
        if waits:
            f.warp_barrier()
        f.when(f.thread.eq(0), lambda: f.store(x + 1.0, f.load(f.ctx, 0)))

    run(kernel(lambda f: write(f, True), 32), [floats(4)])
    with pytest.raises(KernelFault, match="race"):
        run(kernel(lambda f: write(f, False), 32), [floats(4)])


def test_blocks_that_write_one_place_of_global_memory_race():
    def write(f):
        f.store(f.const(1.0, F32), f.load(f.ctx, 0), f.thread)

    run(kernel(write), [floats(64)], blocks=1)
    with pytest.raises(KernelFault, match="of block 1 stores.*race"):
        run(kernel(write), [floats(64)], blocks=2)


def test_a_block_that_reads_what_another_wrote_races():
    def write(f):
        x = f.load(f.load(f.ctx, 0), (f.number ^ 1) * 64 + f.thread, F32)
        f.store(x, f.load(f.ctx, 0), f.number * 64 + f.thread)

    with pytest.raises(KernelFault, match="race"):
        run(kernel(write), [floats(128)], blocks=2)


@pytest.mark.parametrize("at", [64, -1])
def test_an_access_outside_names_the_place(at):
    def write(f):
        f.when(f.thread.eq(7), lambda: f.store(f.const(1.0, F32), f.load(f.ctx, 0), f.i64(at)))

    message = "thread 7 of block 0 stores 4 bytes at .*outside"
    with pytest.raises(KernelFault, match=message):
        run(kernel(write), [floats(64)])


@pytest.mark.parametrize("written", range(4))
def test_a_vector_races_for_the_one_element_that_another_warp_writes(written):
    def write(f):
        room = f.shared(64 * 4)
        f.store(f.const(1.0, F32), room, f.thread)
        f.barrier()
        f.when(f.thread.eq(0), lambda: f.store(f.const(2.0, F32), room, written))
        f.when(f.thread.eq(40), lambda: f.store(f.load(room, 0, vec(F32, 4)), f.load(f.ctx, 0)))

    with pytest.raises(KernelFault, match="thread 40 of block 0 loads 16.*race with thread 0"):
        run(kernel(write), [floats(64)])


def test_a_vector_with_an_unwritten_end_is_found():
    def write(f):
        room = f.shared(64 * 4)
        f.when(f.thread < 63, lambda: f.store(f.const(1.0, F32), room, f.thread))
        f.barrier()
        last = f.thread.eq(40)
        f.when(last, lambda: f.store(f.load(room, 60, vec(F32, 4)), f.load(f.ctx, 0)))

    with pytest.raises(KernelFault, match="shared memory.*nobody has written"):
        run(kernel(write), [floats(64)])


def test_accesses_find_each_of_many_arrays_in_turn():
    count = 40

    def write(f):
        for _ in range(2):
            for i in range(count):
                mine = f.load(f.ctx, i)
                f.store(f.load(mine, f.thread, F32) + float(i), mine, f.thread)

    found = run(kernel(write), [floats(64) for _ in range(count)])
    for i, numbers in enumerate(found):
        np.testing.assert_array_equal(numbers, floats(64) + 2 * i)


def test_a_vector_that_straddles_is_misaligned():
    def write(f):
        f.vector_load(f.load(f.ctx, 0), 1, vec(F32, 4))

    with pytest.raises(KernelFault, match="byte 4 of array 0.*no multiple of 16"):
        run(kernel(write), [floats(64)])


def test_a_barrier_within_a_shuffle_of_others_is_stuck():
    def write(f):
        x = f.load(f.load(f.ctx, 0), f.thread, F32)
        f.when(f.thread < 16, f.barrier, lambda: (f.shuffled(x, 1) and None) or ())

    with pytest.raises(KernelFault, match="waits for others"):
        run(kernel(write), [floats(64)])


def reversed_by_copies(f, waits=True, barrier=True, reuses=False):
    room = f.shared(64 * 4)
    source = f.at(f.load(f.ctx, 0), f.thread, F32)
    to = f.at(room, f.thread, F32)
    f.copy_to_shared(to, source, 4, f.thread.ne(7))
    f.close_copies()
    if waits:
        f.wait_for_copies(0)
    if barrier:
        f.barrier()
    x = f.load(room, 63 - f.thread, F32)
    if reuses:
        f.copy_to_shared(to, source, 4, f.thread.ne(7))
    f.store(x, f.load(f.ctx, 1), f.thread)


def test_copies_are_there_after_a_wait_and_a_barrier():
    _, found = run(kernel(reversed_by_copies), [floats(64), floats(64)], blocks=1)
    wanted = floats(64)
    wanted[7] = 0  # which was not copied
    np.testing.assert_array_equal(found, wanted[::-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"waits": False}, "to which a copy is on its way"),
        ({"waits": False, "barrier": False}, "on its way|nobody has written|race"),
        ({"barrier": False}, "race|nobody has written|on its way"),
        ({"reuses": True}, "race|on its way"),
    ],
    ids=["no wait", "neither", "no barrier", "used again too early"],
)
def test_copies_that_are_read_too_early_are_found(options, message):
    code = kernel(lambda f: reversed_by_copies(f, **options))
    with pytest.raises(KernelFault, match=message):
        run(code, [floats(64), floats(64)])


def test_a_wait_leaves_the_last_groups_on_their_way():
    def write(f, left):
        room = f.shared(2 * 64 * 4)
        for stage in range(2):
            source = f.at(f.load(f.ctx, 0), f.thread, F32)
            f.copy_to_shared(f.at(room, f.thread + 64 * stage, F32), source, 4, f.thread >= 0)
            f.close_copies()
        f.wait_for_copies(left)
        f.store(f.load(room, f.thread, F32), f.load(f.ctx, 1), f.thread)
        f.store(f.load(room, f.thread + 64, F32), f.load(f.ctx, 1), f.thread)

    run(kernel(lambda f: write(f, 0)), [floats(64), floats(64)])
    with pytest.raises(KernelFault, match="byte 256 of shared memory.*on its way"):
        run(kernel(lambda f: write(f, 1)), [floats(64), floats(64)])


def test_copies_must_be_aligned_and_inside():
    def write(f, offset):
        source = f.at(f.load(f.ctx, 0), f.thread * 16 + offset)
        f.copy_to_shared(f.at(f.shared(1024), f.thread * 16), source, 16, f.thread >= 0)

    for offset, message in ((4, "no multiple of 16"), (16, "outside")):
        with pytest.raises(KernelFault, match=message):
            run(kernel(lambda f, o=offset: write(f, o)), [floats(256)])


def test_a_matrix_of_unwritten_shared_memory_is_found():
    def write(f):
        room = f.shared(512)
        load_matrices(f, f.at(room, f.thread * 16))

    with pytest.raises(KernelFault, match="nobody has written"):
        run(kernel(write, 32), [floats(64)])
