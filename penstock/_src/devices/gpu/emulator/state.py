"""The words shared by the emulator's native functions and Python, and the errors of kernels."""

import enum

(
    THREAD, THREADS, BLOCK, BLOCKS, SCHEDULER, STACKS_OF, STATUS_OF, EPOCH, SHARED, SHARED_BYTES, SHARED_SHADOW, RANGES,
    RANGE_COUNT, FAULT, FAULT_ADDRESS, FAULT_SIZE, FAULT_THREAD, FAULT_BLOCK, FAULT_OTHER, SLOTS, PARITIES, STACK_LOW,
    STACK_BYTES, KERNEL, CONTEXT, TASKS, BLOCK_EPOCH, LAUNCH_EPOCH, STACK_OF_ONE, FAULT_STORES, SYNCS_OF,
    CHECKED, COPIES, COPY_COUNTS, CONDITIONS, CONDITION_COUNT, MAPS, SERVICE, REQUESTS, WAVEFRONT, LATEST,
) = range(41)  # fmt: skip
WORDS = 41

FIRST_CONDITION = 0xC0DE0000  # the handle of the first; so that no small number is one by chance
UNSET = -1  # a condition that no kernel has set

RANGE_WORDS = 3  # start, bytes, its shadow
LATEST_WORDS = 512  # ranges that were accessed last, by bits of the address
# Words of 32 bits for each byte: time and thread of the last write, and of the last read.
SHADOW_WORDS = 4
SLOT = 256  # bytes that a thread shows the others of its warp
PAGE = 4096  # bytes that receive stores outside of all memory

# copies of a thread that it has not waited for
MOST_COPIES = 256
COPY_WORDS = 5
IN_FLIGHT = (1 << 31) - 1  # when a byte was written, if a copy to it is on its way

# states of a thread: waiting for its block, its warp, an answer to its request, its warpgroup, or the phase of a barrier in shared memory
READY, AT_BARRIER, IN_WARP, ENDED, REQUESTS_ALONE, IN_WARPGROUP, AT_PHASE = range(7)
WARPGROUP = 128  # threads that multiply tiles in shared memory together
# Words of a request: number of the instruction, addresses of its operands and of its sums.
REQUEST_WORDS = 3
# events that are reported to the service
BEGIN, ALONE, TOGETHER, BARRIER, IDLE, END = range(6)
MOST_MAPS = 2  # tensor maps of a kernel

# Last access to a byte: the thread, a flag for other threads of its warp, and the number of the warp's synchronizations by then.
THREAD_BITS = 10
OTHERS = 1 << THREAD_BITS
SYNCS_SHIFT = THREAD_BITS + 1
SEVERAL, OTHER_BLOCK = -1, -2  # accesses by different warps; by different blocks


class Fault(enum.IntEnum):
    """The faults of a kernel."""

    NONE = 0
    OUTSIDE = 1
    MISALIGNED = 2
    RACE = 3
    UNWRITTEN = 4
    STUCK = 5
    ON_ITS_WAY = 6
    MANY_COPIES = 7
    NO_CONDITION = 8
    IN_SERVICE = 9  # the service has the details
