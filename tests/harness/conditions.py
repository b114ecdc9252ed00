"""What conditions of extents mean, by Python's ints."""


def hold(conditions, values):
    """Whether conditions hold for the numbers of a call."""
    return all(bounds.holds(values.number(p)) for p, bounds in conditions.items())
