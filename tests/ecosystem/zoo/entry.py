"""A row of the table of models, and the names of runtimes."""

from dataclasses import dataclass, field

# The difference from the own runtime, relative to the greatest result: sums of float32 in another order.
FLOATS = 1e-4
# The masks of the pose models: LiteRT's delegate is 2.6e-4 from the sums in float64, its reference kernels 6.3e-5, Penstock 5.1e-5 (pose_landmark_full).
POSES = 5e-4


@dataclass(frozen=True)
class Entry:
    """A file of a package.

    Attributes:
      package: `pypi:name==version` or `npm:name@version`.
      sha256: of the distribution's file.
      path: of the file or folder in it.
      runtime: the package of PyPI that is its own runtime; "" if only reading is checked.
      shapes: of inputs, by position.
      integers: the bound, not included, of integers that are drawn for inputs.
      words: texts that are drawn for inputs; then all of them are texts.
      scalars: values of inputs, by position.
      tolerance: of the greatest difference, relative to the greatest result.
      image: whether its input is an image of bytes divided by 255.
      delegates: whether LiteRT's default delegate takes part. It quantizes the inputs of hybrid products by another rule than TFLite's own kernels.
    """

    package: str
    sha256: str
    path: str
    runtime: str
    shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    integers: int = 2
    words: tuple[str, ...] = ()
    scalars: dict[int, float] = field(default_factory=dict)
    tolerance: float = FLOATS
    image: bool = False
    delegates: bool = True

    @property
    def name(self) -> str:
        """Short: the package's name and the file's."""
        return f"{self.package.split(':')[1].rpartition('@')[0] or self.package.split(':')[1].partition('==')[0]}: {self.path.rpartition('/')[2]}"


ORT, LITERT, TENSORFLOW = "onnxruntime", "ai-edge-litert", "tensorflow"
