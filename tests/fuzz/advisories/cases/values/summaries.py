"""Summaries."""

from tests.fuzz.advisories.case import f32, floats, none, raw, text

CASES = (
    raw("CVE-2022-29193", "TensorSummaryV2", tag=text(["a", "b"]), tensor=f32(2), serialized_summary_metadata=text("bad")),
    raw("CVE-2022-29193", "TensorSummaryV2", tag=text("a"), tensor=f32(2), serialized_summary_metadata=text(b"\xff\xff\xff")),
    raw("CVE-2022-29193", "ImageSummary", tag=text("a"), tensor=none(1, 2, 0, 7), max_images=3),
    raw("CVE-2022-29193", "HistogramSummary", tag=text("a"), values=floats([float("nan")])),
    raw("CVE-2022-29193", "ScalarSummary", tags=text(["a", "b"]), values=f32(3)),
    raw("CVE-2022-35995", "AudioSummary", tag=text("a"), tensor=f32(2, 2, 2, 2), sample_rate=-5.0, max_outputs=3),
    raw("CVE-2022-29193", "MergeSummary", inputs=[text(b"\xff\xff")]),
)  # fmt: skip
