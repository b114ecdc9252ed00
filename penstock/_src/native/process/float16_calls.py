"""Conversions of float16 and bfloat16 for x86-64 processors that have no instructions for them.

LLVM then calls C's runtime library by these names, which a process need not have. It does so for bfloat16 even where no conversion is written, as it
moves such numbers in registers of floats. Numbers are rounded to nearest even, once; NaN stays NaN, quiet, with its upper bits, as processors
with F16C do.
"""

from ..target import Target

# LLVM calls them by these names of compiler-rt and libgcc.
HALVES = ("__extendhfsf2", "__truncsfhf2", "__truncdfhf2")
BFLOATS = ("__truncsfbf2", "__truncdfbf2")

_HALVES_TEXT = """
define float @__extendhfsf2(half %x) #0 {
entry:
  %h16 = bitcast half %x to i16
  %h = zext i16 %h16 to i32
  %h.sign = and i32 %h, 32768
  %sign = shl i32 %h.sign, 16
  %rest = and i32 %h, 32767
  %shifted = shl i32 %rest, 13
  %exponent = and i32 %shifted, 260046848                 ; 0x0F800000
  %small = icmp eq i32 %exponent, 0
  %special = icmp eq i32 %exponent, 260046848
  %rebased = add i32 %shifted, 939524096                  ; 112 << 23
  %up = add i32 %rebased, 8388608                         ; denormal: a normal number plus 2^-14, less 2^-14
  %up.f = bitcast i32 %up to float
  %small.f = fsub float %up.f, 0x3F10000000000000
  %small.bits = bitcast float %small.f to i32
  %special.bits = add i32 %rebased, 939524096
  %nan = icmp ugt i32 %rest, 31744
  %quieted = or i32 %special.bits, 4194304
  %end.bits = select i1 %nan, i32 %quieted, i32 %special.bits
  %a = select i1 %small, i32 %small.bits, i32 %rebased
  %b = select i1 %special, i32 %end.bits, i32 %a
  %bits = or i32 %b, %sign
  %f = bitcast i32 %bits to float
  ret float %f
}
define half @__truncsfhf2(float %x) #0 {
entry:
  %bits = bitcast float %x to i32
  %s = lshr i32 %bits, 16
  %sign = and i32 %s, 32768
  %abs = and i32 %bits, 2147483647
  %abs.f = bitcast i32 %abs to float
  %moved = fadd float %abs.f, 5.000000e-01                ; rounds a denormal of float16 at its last bit
  %moved.bits = bitcast float %moved to i32
  %small.h = sub i32 %moved.bits, 1056964608              ; bits of 0.5
  %last = lshr i32 %abs, 13
  %odd = and i32 %last, 1
  %rebased = add i32 %abs, -939520001                     ; -(112 << 23) + 0xFFF
  %rounded = add i32 %rebased, %odd
  %normal.h = lshr i32 %rounded, 13
  %nan = icmp ugt i32 %abs, 2139095040                    ; bits of infinity
  %payload = and i32 %last, 1023
  %nan.h = or i32 %payload, 32256
  %large.h = select i1 %nan, i32 %nan.h, i32 31744
  %small = icmp ult i32 %abs, 947912704                   ; bits of 2^-14
  %large = icmp uge i32 %abs, 1199570944                  ; bits of 65536
  %a = select i1 %small, i32 %small.h, i32 %normal.h
  %b = select i1 %large, i32 %large.h, i32 %a
  %h = or i32 %b, %sign
  %h16 = trunc i32 %h to i16
  %result = bitcast i16 %h16 to half
  ret half %result
}
define half @__truncdfhf2(double %x) #0 {
entry:
  %f = call float @round_to_odd(double %x)
  %h = call half @__truncsfhf2(float %f)
  ret half %h
}
"""

_BFLOATS_TEXT = """
define bfloat @__truncsfbf2(float %x) #0 {
entry:
  %bits = bitcast float %x to i32
  %last = lshr i32 %bits, 16
  %odd = and i32 %last, 1
  %half = add i32 %odd, 32767
  %rounded = add i32 %bits, %half
  %nan = fcmp uno float %x, %x
  %quieted = or i32 %bits, 4194304
  %chosen = select i1 %nan, i32 %quieted, i32 %rounded
  %high = lshr i32 %chosen, 16
  %b = trunc i32 %high to i16
  %result = bitcast i16 %b to bfloat
  ret bfloat %result
}
define bfloat @__truncdfbf2(double %x) #0 {
entry:
  %f = call float @round_to_odd(double %x)
  %b = call bfloat @__truncsfbf2(float %f)
  ret bfloat %b
}
"""

_SHARED_TEXT = """
define internal float @round_to_odd(double %x) #0 {         ; what is rounded again from this is as if rounded once
entry:
  %f = fptrunc double %x to float
  %back = fpext float %f to double
  %inexact = fcmp one double %back, %x
  %x.abs = call double @llvm.fabs.f64(double %x)
  %back.abs = call double @llvm.fabs.f64(double %back)
  %above = fcmp ogt double %back.abs, %x.abs
  %bits = bitcast float %f to i32
  %below = sub i32 %bits, 1
  %towards.zero = select i1 %above, i32 %below, i32 %bits
  %odd = or i32 %towards.zero, 1
  %chosen = select i1 %inexact, i32 %odd, i32 %bits
  %result = bitcast i32 %chosen to float
  ret float %result
}
declare double @llvm.fabs.f64(double)
"""


def exports(target: Target) -> tuple[str, ...]:
    """Return the names that `text` defines: on x86-64 Linux all, as kernels of a pack may be for a lesser processor than the target."""
    if target.architecture == "x86_64" and target.system == "linux":
        return (*HALVES, *BFLOATS)
    halves = () if target.converts_halves else HALVES
    return halves if target.converts_bfloats else (*halves, *BFLOATS)


def text(target: Target) -> str:
    """IR of the conversions."""
    return definitions(exports(target))


def definitions(names: tuple[str, ...]) -> str:
    """IR of the conversions of the types of these functions."""
    texts = ((HALVES, _HALVES_TEXT), (BFLOATS, _BFLOATS_TEXT))
    text_of_calls = "".join(text for group, text in texts if set(group) & set(names))
    return text_of_calls and text_of_calls + _SHARED_TEXT
