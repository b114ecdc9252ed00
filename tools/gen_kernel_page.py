"""Fills docs/from_source_to_kernel.md with what the compiler says of the function on it.

    python tools/gen_kernel_page.py            writes the page
    python tools/gen_kernel_page.py --check    fails if it is not fresh

The first Python block of the page is the program. Every block below a comment `<!-- output: NAME -->` is replaced by the
output of that name. Blocks that differ from machine to machine (see MEASURED) are only checked to be there.
"""

import argparse
import difflib
import importlib.util
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "from_source_to_kernel.md"
BLOCK = re.compile(r"(<!-- output: ([a-z ]+) -->\n```[a-z]*\n)(.*?)(```)", re.S)
PROGRAM = re.compile(r"```python\n(.*?)```", re.S)
MEASURED = ("assembly", "times")  # by LLVM's version, and by the machine
MOST_LINES = 32  # of a block of instructions
# What all machines of this kind give.
SETTINGS = {"PENSTOCK_CPU": "x86-64-v3", "PENSTOCK_THREADS": "2", "PENSTOCK_CACHE_DIR": "none"}


def outputs(program: str) -> dict[str, str]:
    """Every output of the program on the page, by name."""
    from penstock._src.compiler.fusion.merge import merge
    from penstock._src.compiler.fusion.partition import partition
    from penstock._src.compiler.recognize.recognize import recognize
    from penstock._src.native import assembly

    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "train.py"
        file.write_text(program)
        spec = importlib.util.spec_from_file_location("train", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        train, arguments = module.train, module.arguments
        report = train.explain(*arguments)
        measured = train.explain(*arguments, time=True)
    text = train.experimental_get_compiler_ir(*arguments)
    (step,) = report.known.steps
    recognized = recognize(step.function)
    groups = partition(recognized)
    plan = step.compiled.program.plan
    plan = step.compiled.program.plan
    product = next(k for k in report.kernels if "contract" in k.computes)
    code = plan.launches[product.records[-1]].code
    kernels = report[report.index("kernels ") : report.index("\ncompiled ")]
    return {
        "graph": "\n".join(
            re.sub(r"<dtype: '(\w+)'>", r"\1", l) for l in text(stage="graph").splitlines()
        ),
        "primitives": text(stage="primitives"),
        "recognized": str(recognized),
        "groups": str(groups),
        "merged": str(merge(groups)),
        "kernels": kernels,
        "plan": str(plan),
        "llvm": _innermost(code.text, r"[a-z]+[0-9]+:", "llvm.fma"),
        "assembly": _innermost(assembly(code).expandtabs(8), r"\.LBB.*:", "vfmadd"),
        "times": "\n".join(
            line
            for line in measured.splitlines()
            if re.match(r"machine|  k\d|.* of the peak", line)
        ),
    }


def _innermost(text: str, label: str, instruction: str) -> str:
    """The block with the most of some instruction."""
    blocks = re.split(rf"(?m)^(?={label})", text)
    block = max(blocks[1:], key=lambda block: block.count(instruction))
    lines = [line.split("#")[0].rstrip() for line in block.splitlines()]
    lines = [line for line in lines if line and not re.match(r"\s+\.", line)]
    more = [f"  ... {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return "\n".join([*lines[:MOST_LINES], *more])


def page_of(text: str, made: dict[str, str], measured: bool) -> str:
    """The page with fresh outputs; with those that differ by machine only if `measured`."""

    def fresh(found: re.Match) -> str:
        before, name, old, after = found.groups()
        kept = name in MEASURED and not measured
        return before + (old if kept else made[name] + "\n") + after

    return BLOCK.sub(fresh, text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    os.environ.update(SETTINGS)
    sys.path.insert(0, str(ROOT))
    text = PAGE.read_text()
    made = outputs(PROGRAM.search(text).group(1))
    missing = set(made) - {name for _, name, _, _ in BLOCK.findall(text)}
    if missing:
        sys.exit(f"{PAGE.name} shows no {', '.join(sorted(missing))}")
    fresh = page_of(text, made, measured=not check)
    if not check:
        PAGE.write_text(fresh)
    elif fresh != text:
        lines = difflib.unified_diff(
            text.splitlines(), fresh.splitlines(), "page", "fresh", lineterm=""
        )
        sys.exit("\n".join([*lines, f"{PAGE.name} is stale: run python tools/gen_kernel_page.py"]))


if __name__ == "__main__":
    main()
