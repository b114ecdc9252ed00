"""What runs natively and what on the host.

What comes in: a `Section`, operations of a graph with the tensors that they are given and give. What goes out: a `Block`, which is
called with values and, for each new set of shapes, makes a `Specialization`: a short list of steps. Most come of a program for many extents.

    block.py           keeps specializations by the shapes (and some values) of the inputs; read it first
    shared_program.py  a program for many extents, and for which; input_form.py: what those are of the inputs
    specialize.py      which operations are lowered into one program, which run on the host, what waits for the host
    inputs.py          the parameters of the program; results.py: how tensors are found after its run
    steps.py           the step that is a program; specialization.py runs all steps, those of host/ among them

A new reason why an operation stays on the host is a `NotLowerable` that its lowering raises.
"""
