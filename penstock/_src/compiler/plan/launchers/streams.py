"""Launches of a section's streams (fusion/stream_sections.py) side by side, by a record with the first and last launch of each stream.

As many streams as there are threads run at the same time, each on one thread. Where that would leave threads idle, or streams are small, they
run one after another on all threads.
"""

from collections.abc import Callable, Iterator

from penstock._src.compiler.fusion.stream_sections import StreamSection
from penstock._src.compiler.plan.buffers import StreamTimes
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.launch_table import Jump, Label, Launch
from penstock._src.native import runner

LEAST = 1 << 15  # least work of a stream for which a thread pays, in bytes: some microseconds
GAIN = 1.25  # the least overhead of launches that several threads share, as a factor


def launch_section(
    builder: PlanBuilder, section: StreamSection, launch: Callable[[int], None]
) -> None:
    """Adds the launches of a section's kernels; `launch` adds those of the kernel with an index."""
    for streams in _rounds(section, builder):
        if len(streams) > 1:
            _launch_streams(builder, streams, launch)
        else:
            for number in streams[0]:
                launch(number)


def _rounds(section: StreamSection, builder: PlanBuilder) -> Iterator[list[range]]:
    """Groups of streams that run side by side, as indices of their kernels; a group of one stream runs on all threads."""
    streams = [range(*bounds) for bounds in zip(section.bounds, section.bounds[1:])]
    # A stream is on one thread already: those within it run one after another.
    at_once = builder.threads if builder.overlaps_streams and not builder.stream else 1
    for start in range(0, len(streams), at_once):
        together, work = streams[start : start + at_once], section.work[start : start + at_once]
        # The longest stream should not take much longer than an even share.
        if min(work) >= LEAST and max(work) * builder.threads <= sum(work) * GAIN:
            yield together
        else:
            yield from ([stream] for stream in together)


def _launch_streams(
    builder: PlanBuilder, streams: list[range], launch: Callable[[int], None]
) -> None:
    at, was_held, threads = len(builder.launches), builder.is_held, builder.threads
    bounds = [(Label(), Label()) for _ in streams]
    words = [word for start, end in bounds for word in (start, end, 1)]
    builder.launches.append(Jump(runner.STREAMS, len(streams), words))
    # Each stream has a thread of its own, so that its kernels are cut for one.
    builder.threads, times = 1, list[tuple[int, int]]()
    for number, (stream, (start, end)) in enumerate(zip(streams, bounds), 1):
        builder.stream, builder.is_held, first = number, was_held, builder.time
        builder.launches.append(start)
        for kernel in stream:
            launch(kernel)
        builder.launches.append(end)
        times.append((first, builder.time))
        # Between two streams, so that their live ranges do not meet.
        builder.time += 1
    builder.threads, builder.stream, builder.is_held = threads, 0, was_held
    if any(isinstance(record, Launch) and record.holds for record in builder.launches[at:]):
        # One stream may be updating a variable while another could be interrupted: hold from before the streams.
        builder.launches.insert(at, Jump(runner.HOLD, 1))
        builder.is_held = True
    builder.stream_times.append(StreamTimes(tuple(times)))
