"""Blocks whose steps come from a record, without lowering or planning.

In: sections of a graph, and the records that a pack or the user's cache has for them. Out: specializations of a `Block` (block.py).

    contents.py          texts that only sections with the same operations have
    planned.py           names of sections, and the step of a block that is one program
    planned_function.py  whole functions, before their graph is imported
    step_lists.py        the steps of a block with operations on the host, and the section that waits for them, by names
    notes.py             makes records of such steps, where they are lowered
"""
