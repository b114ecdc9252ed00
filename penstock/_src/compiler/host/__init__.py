"""Operations that the host runs, by the eager kernels of their ops: what has no lowering, or is not worth a program.

running.py      runs one operation and says where an error comes from
steps.py        the same as a step of a specialization, whose values stand in slots
end_of_data.py  what a list of steps still does when one of them finds no more data

Of the ops that Keras uses, these run on the host: strings and tables; the blur of `RandomElasticTransform`, whose size is random (its kernel is
computed on the host, and the following ops are compiled for each size); CTC decoding; eigenvalues and singular values (for a symmetric matrix of 64 x
64, LAPACK takes 0.2 ms and Jacobi rotations as a compiled loop 3.6 ms; for 256 x 256, 4.4 and 130 ms); and gradients of loops whose number of steps
has no bound at compile time, or which write to a growing `TensorArray` and may end early. `docs/ops.md` lists each op.
"""
