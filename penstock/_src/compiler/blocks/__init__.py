"""Splits a section of a graph into native programs and operations on the host.

In: a `Section`, operations of a graph with their input and output tensors. Out: a `Block`, which is called with values and makes a
`Specialization`, a short list of steps, for each new set of shapes. Most specializations share a program for many extents.

    block.py           a cache of specializations by the shapes (and some values) of the inputs; read it first
    shared_program.py  a program for many extents, with its conditions; input_form.py: how extents are read from inputs
    specialize.py      selects the operations for one program, those for the host, and those that wait for the host
    kinds.py           the kinds of inputs
    other_shapes.py    copies of the operations for inputs of shapes that the graph's placeholders do not have
    inputs.py          the parameters of the program; results.py: how tensors are read after its run
    row_independence.py  proofs that rows of a batch do not depend on each other
    recorded/          recorded programs and steps: sections by name or content, and the steps that need no lowering
    steps.py           the step that is a program; specialization.py runs all steps, including those of compiler/host

docs/architecture.md describes blocks ("Contracts") and how a call finds its program ("Unknown shapes"). An operation stays on the host if its
lowering raises `NotLowerable`. The conditions of a `SharedProgram` are checked by its plan if the section is one program, else by `Admission`
(compiler/plan/sizes.py).

Only for operations that need the number of an extent may the bits of a result depend on the number of sizes seen before: after `MOST_FIXED` programs
(block.py) they run on the host, which rounds as NumPy does. Operations with a data-dependent output size (an iterator, a range up to a random number)
end the block, except dynamic rows.
"""
