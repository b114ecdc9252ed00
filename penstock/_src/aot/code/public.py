"""Public interface of a built model, as LLVM IR: the table of its functions, tensors and sizes, and its entries.

The layout is that of files/libpenstock_model.h; a change of it is a new ABI.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from penstock._src.aot.model.plans import PlannedFunction, PlannedModel
from penstock._src.aot.model.signature import Tensor
from penstock._src.version import OWN_VERSION

ABI = 1
PREPARED = 0x31444552414B5453  # what the header of a prepared arena begins with
ALIGNMENT = 64  # bytes, of the arena
# Statuses, besides 0 and those above, which are numbers of messages + 1.
DEFECT, COUNT, NULL, SIZE, ALIGNED, ARENA_SIZE, UNPREPARED, BATCH = range(-1, -9, -1)

_TYPES = """
%tensor = type { ptr, ptr, i64, i32, i32, i32, i32 }
%function = type { ptr, ptr, ptr, ptr, ptr, i32, i32, i32, i32 }
%variable = type { %tensor, i64 }
%model = type { i32, i32, ptr, ptr, ptr, ptr, ptr, ptr, ptr, i64, i64, i64, i64, i32, i32, i32, i32 }
%array = type { ptr, i64 }
"""

# Looks at the arrays of a call and gathers their addresses; the sizes of batched tensors are those of a row.
_CHECK = (
    """
define internal i32 @check_arrays(ptr %tensors, ptr %arrays, i32 %count, i64 %batch, ptr %gathered) #0 {
entry:
  %n = zext i32 %count to i64
  br label %next
next:
  %i = phi i64 [ 0, %entry ], [ %i1, %fine ]
  %more = icmp ult i64 %i, %n
  br i1 %more, label %look, label %done
done:
  ret i32 0
look:
  %size.at = getelementptr %tensor, ptr %tensors, i64 %i, i32 2
  %row = load i64, ptr %size.at
  %batched.at = getelementptr %tensor, ptr %tensors, i64 %i, i32 6
  %batched = load i32, ptr %batched.at
  %is.batched = icmp ne i32 %batched, 0
  %all = mul i64 %row, %batch
  %wanted = select i1 %is.batched, i64 %all, i64 %row
  %data.at = getelementptr %array, ptr %arrays, i64 %i, i32 0
  %data = load ptr, ptr %data.at
  %given.at = getelementptr %array, ptr %arrays, i64 %i, i32 1
  %given = load i64, ptr %given.at
  %fits = icmp eq i64 %given, %wanted
  br i1 %fits, label %sized, label %bad.size
bad.size:
  ret i32 SIZE
sized:
  %missing = icmp eq ptr %data, null
  %some = icmp ne i64 %wanted, 0
  %is.null = and i1 %missing, %some
  br i1 %is.null, label %bad.null, label %there
bad.null:
  ret i32 NULL
there:
  %alignment.at = getelementptr %tensor, ptr %tensors, i64 %i, i32 5
  %alignment = load i32, ptr %alignment.at
  %wide = zext i32 %alignment to i64
  %mask = sub i64 %wide, 1
  %address = ptrtoint ptr %data to i64
  %odd = and i64 %address, %mask
  %is.aligned = icmp eq i64 %odd, 0
  br i1 %is.aligned, label %fine, label %bad.alignment
bad.alignment:
  ret i32 ALIGNED
fine:
  %slot = getelementptr ptr, ptr %gathered, i64 %i
  store ptr %data, ptr %slot
  %i1 = add i64 %i, 1
  br label %next
}
""".replace("SIZE", str(SIZE))
    .replace("NULL", str(NULL))
    .replace("ALIGNED", str(ALIGNED))
)


@dataclass
class PublicText:
    """The text of a model's table and entries.

    name            prefix of its symbols
    has_file        whether the constants are in a file of their own
    on_windows      whether entries are marked as exported
    """

    name: str
    model: PlannedModel
    has_file: bool
    lines: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of public symbols
    strings: dict[str, str] = field(default_factory=dict)

    def string(self, text: str) -> str:
        """The name of a constant C string."""
        if text not in self.strings:
            data = text.encode() + b"\0"
            name = self.strings[text] = f"@string{len(self.strings)}"
            escaped = "".join(f"\\{byte:02X}" for byte in data)
            self.lines.append(
                f'{name} = internal unnamed_addr constant [{len(data)} x i8] c"{escaped}"'
            )
        return self.strings[text]

    def array(self, hint: str, ty: str, values: Sequence[str]) -> str:
        """The name of a constant array, or null for an empty one."""
        if not values:
            return "null"
        name = f"@{hint}"
        elements = ", ".join(f"{ty} {value}" for value in values)
        self.lines.append(f"{name} = internal constant [{len(values)} x {ty}] [ {elements} ]")
        return name

    def export(self, name: str) -> str:
        """Return the beginning of a public definition, before its name."""
        self.names.append(name)
        return "dllexport " if self.model.machine.target.system == "windows" else ""


def entry_name(text: PublicText, function: PlannedFunction) -> str:
    """Return the name of the function that runs a signature. A lone signature's function has only the model's name."""
    if len(text.model.functions) == 1:
        return f"{text.name}_run"
    return f"{text.name}_{function.lowered.name}_run"


def public_text(text: PublicText, forms: dict[tuple[int, int], str]) -> str:
    """The text of types, table and entries; `forms` names the functions of plans, by the function's number and the batch."""
    model = text.model
    functions = [
        _function(text, number, function, forms) for number, function in enumerate(model.functions)
    ]
    prepare = _prepare(text)
    table = text.array("functions", "%function", functions)
    variables = [
        f"{{ %tensor {_tensor(text, f'variable{i}', Tensor(s.name, s.handle.dtype, s.handle.value.shape))}, "
        f"i64 {s.offset} }}"
        for i, s in enumerate(model.states)
    ]
    listed = text.array("variables", "%variable", variables)
    messages = text.array("messages", "ptr", [text.string(message) for message in model.messages])
    target = model.machine.target
    described = f"{model.machine.name} {target.cpu}"
    exported = text.export(f"{text.name}_model")
    external = model.data.size if text.has_file else 0
    text.lines.append(
        f"@{text.name}_model = {exported}constant %model {{ i32 {ABI}, i32 {len(functions)}, "
        f"ptr {text.string(text.name)}, ptr {text.string(OWN_VERSION)}, ptr {text.string(described)}, "
        f"ptr {table}, ptr {listed}, ptr {messages}, ptr @{prepare}, "
        f"i64 {model.arena_bytes}, i64 {ALIGNMENT}, i64 {model.arena_start}, i64 {external}, "
        f"i32 {len(variables)}, i32 {len(model.messages)}, i32 {model.threads}, i32 0 }}"
    )
    return "\n".join([_TYPES, _CHECK, *text.lines])


def _tensor(text: PublicText, hint: str, tensor: Tensor) -> str:
    shape = [-1 if tensor.is_batched and i == 0 else d for i, d in enumerate(tensor.shape)]
    dims = text.array(f"{hint}.shape", "i64", [str(int(d)) for d in shape])
    size = tensor.dtype.size
    return (
        f"{{ ptr {text.string(tensor.name)}, ptr {dims}, i64 {tensor.bytes}, "
        f"i32 {tensor.dtype.as_datatype_enum}, i32 {len(shape)}, i32 {size}, i32 {int(tensor.is_batched)} }}"
    )


def _function(
    text: PublicText, number: int, function: PlannedFunction, forms: dict[tuple[int, int], str]
) -> str:
    """Writes the entries of a signature; returns its row of the table."""
    lowered = function.lowered
    batches = [batch for batch in lowered.forms if batch]
    sides = {
        side: text.array(
            f"f{number}.{side}",
            "%tensor",
            [_tensor(text, f"f{number}.{side}{i}", t) for i, t in enumerate(tensors)],
        )
        for side, tensors in (("inputs", lowered.inputs), ("outputs", lowered.outputs))
    }
    entry = _entry(text, number, function, forms)
    checked = _checked(text, number, function, sides, entry)
    listed = text.array(f"f{number}.batches", "i64", [str(batch) for batch in batches])
    return (
        f"{{ ptr {text.string(lowered.name)}, ptr {sides['inputs']}, ptr {sides['outputs']}, ptr @{checked}, "
        f"ptr {listed}, i32 {len(lowered.inputs)}, i32 {len(lowered.outputs)}, i32 {len(batches)}, i32 0 }}"
    )


def _entry(
    text: PublicText, number: int, function: PlannedFunction, forms: dict[tuple[int, int], str]
) -> str:
    """Writes the function that runs a signature on addresses: (inputs, outputs, arena), and the batch if it varies."""
    name = entry_name(text, function)
    batches = [batch for batch in function.lowered.forms if batch]
    batch = ", i64 %batch" if batches else ""
    lines = [
        f"define {text.export(name)}i32 @{name}(ptr %inputs, ptr %outputs, ptr %arena{batch}) #0 {{",
        "entry:",
    ]
    constants = "@penstock_constants"
    if text.model.arena_start:
        lines += [
            "  %mark = load i64, ptr %arena",
            f"  %prepared = icmp eq i64 %mark, {PREPARED}",
            "  br i1 %prepared, label %ready, label %unprepared",
            "unprepared:",
            f"  ret i32 {UNPREPARED}",
            "ready:",
        ]
        if text.has_file:
            lines += [
                "  %held = getelementptr i8, ptr %arena, i64 8",
                "  %given = load i64, ptr %held",
                "  %constants = inttoptr i64 %given to ptr",
            ]
            constants = "%constants"
    called = f"(ptr %inputs, ptr %outputs, ptr %arena, ptr {constants})"
    if not batches:
        lines += [f"  %code = call i32 @{forms[number, 0]}{called}", "  ret i32 %code", "}"]
    else:
        cases = " ".join(f"i64 {b}, label %batch{b}" for b in batches)
        lines += [f"  switch i64 %batch, label %other [ {cases} ]", "other:", f"  ret i32 {BATCH}"]
        for b in batches:
            lines += [
                f"batch{b}:",
                f"  %code{b} = call i32 @{forms[number, b]}{called}",
                f"  ret i32 %code{b}",
            ]
        lines.append("}")
    text.lines.append("\n".join(lines))
    return name


def _checked(
    text: PublicText, number: int, function: PlannedFunction, sides: dict[str, str], entry: str
) -> str:
    """Writes the function that runs a signature on arrays with sizes, after checking them."""
    lowered = function.lowered
    counts = {"inputs": len(lowered.inputs), "outputs": len(lowered.outputs)}
    name = f"f{number}.checked"
    lines = [
        f"define internal i32 @{name}(ptr %inputs, i32 %ins, ptr %outputs, i32 %outs, ptr %arena, i64 %bytes) #0 {{",
        "entry:",
        *[f"  %{side}.room = alloca [{max(n, 1)} x ptr]" for side, n in counts.items()],
        f"  %right.ins = icmp eq i32 %ins, {counts['inputs']}",
        f"  %right.outs = icmp eq i32 %outs, {counts['outputs']}",
        "  %counted = and i1 %right.ins, %right.outs",
        "  br i1 %counted, label %sizes, label %bad.count",
        "bad.count:",
        f"  ret i32 {COUNT}",
        "sizes:",
    ]
    batched = next((i for i, t in enumerate(lowered.inputs) if t.is_batched), None)
    batch = "1"
    if batched is not None:
        lines += [
            f"  %batch.at = getelementptr %array, ptr %inputs, i64 {batched}, i32 1",
            "  %batch.bytes = load i64, ptr %batch.at",
            f"  %batch = udiv i64 %batch.bytes, {max(lowered.inputs[batched].bytes, 1)}",
        ]
        batch = "%batch"
    for side, count in counts.items():
        lines += [
            f"  %{side}.code = call i32 @check_arrays(ptr {sides[side]}, ptr %{side}, i32 {count}, i64 {batch}, "
            f"ptr %{side}.room)",
            f"  %{side}.fine = icmp eq i32 %{side}.code, 0",
            f"  br i1 %{side}.fine, label %{side}.right, label %{side}.wrong",
            f"{side}.wrong:",
            f"  ret i32 %{side}.code",
            f"{side}.right:",
        ]
    lines += [*_arena_checks(text.model.arena_bytes)]
    more = f", i64 {batch}" if batched is not None else ""
    lines += [
        f"  %code = call i32 @{entry}(ptr %inputs.room, ptr %outputs.room, ptr %arena{more})",
        "  ret i32 %code",
        "}",
    ]
    text.lines.append("\n".join(lines))
    return name


def _arena_checks(size: int) -> list[str]:
    """The lines that end a function unless `%arena` has enough aligned bytes; none is needed if there is nothing to hold."""
    if not size:
        return []
    return [
        f"  %large = icmp uge i64 %bytes, {size}",
        "  br i1 %large, label %enough, label %bad.arena",
        "bad.arena:",
        f"  ret i32 {ARENA_SIZE}",
        "enough:",
        "  %arena.missing = icmp eq ptr %arena, null",
        "  br i1 %arena.missing, label %bad.null, label %arena.there",
        "bad.null:",
        f"  ret i32 {NULL}",
        "arena.there:",
        "  %arena.address = ptrtoint ptr %arena to i64",
        f"  %arena.odd = and i64 %arena.address, {ALIGNMENT - 1}",
        "  %arena.aligned = icmp eq i64 %arena.odd, 0",
        "  br i1 %arena.aligned, label %arena.fine, label %bad.alignment",
        "bad.alignment:",
        f"  ret i32 {ALIGNED}",
        "arena.fine:",
    ]


def _prepare(text: PublicText) -> str:
    """Writes the function that initializes an arena's state, and the constants of a file."""
    model, name = text.model, f"{text.name}_prepare"
    constants = "%weights" if text.has_file else "@penstock_constants"
    state = model.initial_state()
    at = model.data.add(np.frombuffer(state, np.uint8)) if model.states else 0
    lines = [
        f"define {text.export(name)}i32 @{name}(ptr %arena, i64 %bytes, ptr %weights, i64 %size) #0 {{",
        "entry:",
        *_arena_checks(model.arena_bytes),
    ]
    if text.has_file:
        lines += [
            f"  %whole = icmp eq i64 %size, {model.data.size}",
            "  br i1 %whole, label %sized, label %bad.size",
            "bad.size:",
            f"  ret i32 {SIZE}",
            "sized:",
            "  %weights.address = ptrtoint ptr %weights to i64",
            f"  %weights.odd = and i64 %weights.address, {ALIGNMENT - 1}",
            "  %weights.aligned = icmp eq i64 %weights.odd, 0",
            "  br i1 %weights.aligned, label %weights.fine, label %weights.bad",
            "weights.bad:",
            f"  ret i32 {ALIGNED}",
            "weights.fine:",
            "  %held = getelementptr i8, ptr %arena, i64 8",
            "  store i64 %weights.address, ptr %held",
        ]
    if model.states:
        lines += [
            f"  %from = getelementptr i8, ptr {constants}, i64 {at}",
            f"  %to = getelementptr i8, ptr %arena, i64 {model.arena_start - len(state)}",
            f"  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 {len(state)}, i1 false)",
        ]
    if model.arena_start:
        lines.append(f"  store i64 {PREPARED}, ptr %arena")
    if model.threads > 1:
        lines.append(f"  call void @penstock_pool_resize(i64 {model.threads})")
        stop = f"{text.name}_stop_threads"
        text.lines.append(
            f"define {text.export(stop)}void @{stop}() #0 {{\n  call void @penstock_pool_resize(i64 1)\n  ret void\n}}"
        )
    lines += ["  ret i32 0", "}"]
    text.lines += ["declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)", "\n".join(lines)]
    return name
