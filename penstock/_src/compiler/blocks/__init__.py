"""What runs natively and what on the host.

block.py: a set of operations executed as a whole; specialize.py plans its steps for given shapes; inputs.py makes the
parameters of its program; steps.py are the kinds of steps. Read block.py first.
"""
