"""Launches of a section's lanes (fusion/lane_sections.py) side by side, by a record with the first and last launch of each lane.

As many lanes as there are threads run at the same time, each on one thread. Where that would leave threads idle, or lanes are small, they
run one after another on all threads.
"""

from collections.abc import Callable, Iterator

from penstock._src.compiler.fusion.lane_sections import LaneSection
from penstock._src.compiler.plan.buffers import LaneTimes
from penstock._src.compiler.plan.builder import PlanBuilder
from penstock._src.compiler.plan.launch_table import Jump, Label, Launch
from penstock._src.native import runner

LEAST = 1 << 15  # least work of a lane for which a thread pays, in bytes: some microseconds
GAIN = 1.25  # the least overhead of launches that several threads share, as a factor


def launch_section(
    builder: PlanBuilder, section: LaneSection, launch: Callable[[int], None]
) -> None:
    """Adds the launches of a section's kernels; `launch` adds those of the kernel with an index."""
    for lanes in _rounds(section, builder):
        if len(lanes) > 1:
            _launch_lanes(builder, lanes, launch)
        else:
            for number in lanes[0]:
                launch(number)


def _rounds(section: LaneSection, builder: PlanBuilder) -> Iterator[list[range]]:
    """Groups of lanes that run side by side, as indices of their kernels; a group of one lane runs on all threads."""
    lanes = [range(*bounds) for bounds in zip(section.bounds, section.bounds[1:])]
    # A lane is on one thread already: those within it run one after another.
    at_once = builder.threads if builder.has_lanes and not builder.lane else 1
    for start in range(0, len(lanes), at_once):
        together, work = lanes[start : start + at_once], section.work[start : start + at_once]
        # The longest lane should not take much longer than an even share.
        if min(work) >= LEAST and max(work) * builder.threads <= sum(work) * GAIN:
            yield together
        else:
            yield from ([lane] for lane in together)


def _launch_lanes(builder: PlanBuilder, lanes: list[range], launch: Callable[[int], None]) -> None:
    at, was_held, threads = len(builder.launches), builder.is_held, builder.threads
    bounds = [(Label(), Label()) for _ in lanes]
    words = [word for start, end in bounds for word in (start, end, 1)]
    builder.launches.append(Jump(runner.LANES, len(lanes), words))
    # Each lane has a thread of its own, so that its kernels are cut for one.
    builder.threads, times = 1, list[tuple[int, int]]()
    for number, (lane, (start, end)) in enumerate(zip(lanes, bounds), 1):
        builder.lane, builder.is_held, first = number, was_held, builder.time
        builder.launches.append(start)
        for kernel in lane:
            launch(kernel)
        builder.launches.append(end)
        times.append((first, builder.time))
        # Between two lanes, so that their live ranges do not meet.
        builder.time += 1
    builder.threads, builder.lane, builder.is_held = threads, 0, was_held
    if any(isinstance(record, Launch) and record.holds for record in builder.launches[at:]):
        # One lane may be updating a variable while another could be interrupted: hold from before the lanes.
        builder.launches.insert(at, Jump(runner.HOLD, 1))
        builder.is_held = True
    builder.lane_times.append(LaneTimes(tuple(times)))
