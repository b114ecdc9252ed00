"""Operations that the host runs, by the eager kernels of their ops: what has no lowering, or is not worth a program.

running.py      runs one operation and says where an error comes from
steps.py        the same as a step of a specialization, whose values stand in slots
end_of_data.py  what a list of steps still does when one of them finds no more data
"""
