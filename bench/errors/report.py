"""The table of errors."""

from bench.report import write as write_file

HEAD = """# Errors of functions

Written by `python -m bench.errors --page`. The largest error of some hundred to two thousand results, in units in the last place of the
type, against 40 digits; 0.5 is the best that there can be. Arguments are spread over the whole domain, half of them evenly by their logarithm, so that
the neighbourhoods of zeros, of poles and of the ends are part of it: near a zero of a function that is not at 0 (`lgamma`, `digamma`, Bessel functions)
no library has digits left. `n!` means that `n` results were NaN or infinite though there is a number.
Penstock's column has the larger of the errors of its eager and its compiled form.

"""


def number(value):
    """An error of two digits, or its power of ten."""
    if value < 10:
        return f"{value:.1f}"
    return (
        f"{value:.0f}" if value < 10_000 else f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
    )


def shown(error):
    """An error in a table."""
    if error is None:
        return "–"
    return number(error.largest) + (f" {error.missed}!" if error.missed else "")


def line(name, dtype, libraries, errors):
    """A line for the terminal, with the place of Penstock's largest error."""
    found = [errors.get((name, dtype, library)) for library in libraries]
    texts = "".join(f"{shown(e):>14s}" + f"{number(e.usual) if e else '':>9s}" for e in found)
    place = " ".join(f"{x:.6g}" for x in found[0].where) if found[0] else ""
    return f"{name:16s}{dtype:9s}{texts}   at {place}"


def of_penstock(name, dtype, errors):
    """The worse of the eager and the compiled form."""
    both = [errors.get((name, dtype, form)) for form in ("penstock", "penstock compiled")]
    return max((e for e in both if e), key=lambda e: (e.missed, e.largest), default=None)


def write(path, functions, dtypes, libraries, errors):
    """Writes the page."""
    peers = [name for name in libraries if not name.startswith("penstock")]
    titles = [f"{dtype}<br>{name}" for dtype in dtypes for name in ("Penstock", *peers)]
    lines = ["| function | " + " | ".join(titles) + " |", "|---|" + "---:|" * len(titles)]
    for function in functions:
        cells = []
        for dtype in dtypes:
            cells.append(shown(of_penstock(function.name, dtype, errors)))
            cells += [shown(errors.get((function.name, dtype, peer))) for peer in peers]
        lines.append(f"| `{function.name}` | " + " | ".join(cells) + " |")
    write_file(path, HEAD + "\n".join(lines) + "\n")
