"""GPUs: plans run on NVIDIA's through the driver alone (libcuda, which every machine with such a GPU has).

In: a `Plan`. Out: a program that runs its launch table on a stream. Read target.py first, then kernels/.

    families/    the differences between GPUs of different makers
    kernels/     kernels as LLVM IR
    regions.py   the launch table as loops and choices; recording.py: these as one graph; table.py: a run
    cuda/        NVIDIA's driver, collectives and code; another maker's are a folder beside it
    emulator/    runs the same IR on this CPU, for tests without a GPU

Kernels. A GPU (`docs/gpu.md`) takes the same plans as a CPU. Its generator writes LLVM IR for NVPTX in the language of CPU kernels, with numbers of
threads, barriers and shuffles added (`kernels/language.py`). Loop nests share the evaluator of the CPU's nests, so an operation's code is written once.
The differences between makers (threads in lockstep, barriers, shuffles, the start of kernels) are files of `families/`; AMD's is compiled and emulated
only. Kinds without a schedule for GPUs run as the CPU's task functions, a block of one thread for each task. Attention is one kernel forward and two
backward, which own rows and columns of the scores. Sums over several blocks (a large depth, filters' gradients, segments of scans) are partial sums in
scratch memory, divided by sizes alone and added up in order by a further launch of the same kernel: without atomics, so results have the same bits in
every run.

Launches. A kernel's parameter is the words of the launch's record, so the launch table is used unchanged, except for tensor maps of operands (wgmma's
tiles are loaded by them), which the driver makes when addresses are known. From the second run with the same addresses, the table is one CUDA graph
(`recording.py`), whose kernels do nothing after a check has failed. Jumps are converted to loops and choices (`regions.py`), which are conditional
nodes of the graph, or with older drivers conditions that the host reads (`cuda/driver/control.py`). Only libcuda is called (`cuda/driver/calls.py`).

Tests need no GPU: `PENSTOCK_DEVICE=GPU_emulated` runs everything on an emulator, which compiles the kernels' IR for this CPU with a call before each
load and store, and runs the threads of a block on their own stacks. It finds accesses outside of memory, races, barriers that are never reached, and
reads before cp.async has written. It is part of the package as people without a GPU use it, also by `penstock doctor --first-light --emulated`. Inline assembly (bulk copies, products of warpgroups) is interpreted by a service in Python between threads, which
tracks the events that each warp has observed.
"""
