"""Built models from C++ and Java, and by CMake."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.aot.kit import built, needs_compiler
from tests.aot.test_abi import trainable

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "native"
JAVA_OF_FFM = 22

LEARN = """
#include "model.h"
#include "penstock_model.hpp"
#include <cmath>
#include <cstdio>

int main() {
  penstock::Model model(model_model);
  float x[8], y[8], loss = 0;
  for (int i = 0; i < 8; i++) { x[i] = -1 + 2 * i / 7.f; y[i] = 3 * x[i] - 2; }
  penstock::Span<float> result(&loss, 1);
  for (int i = 0; i < 100; i++) model.run("train", {penstock::in(x), penstock::in(y)}, {penstock::out(result)});
  std::printf("%.2f %d\\n", model.variable<float>("slope")[0], loss < 1e-3f);
  const penstock::Span<std::byte> state = model.state();
  const std::vector<std::byte> kept(state.begin(), state.end());
  model.reset();
  std::printf("%.2f\\n", model.variable<float>("slope")[0]);
  std::copy(kept.begin(), kept.end(), state.begin());
  std::vector<float> got(8);
  model.run("predict", {penstock::in(x)}, {penstock::out(got)});
  std::printf("%d\\n", std::abs(got[7] - 1) < 0.1f);
  const int whole[8] = {};
  try { model.run("predict", {penstock::in(whole)}, {penstock::out(got)}); } catch (const penstock::Error& e) { std::puts(e.what()); }
  try { model.run("predict", {penstock::in(x)}, {}); } catch (const penstock::Error& e) { std::printf("%d\\n", e.status); }
  try { model.run("nothing", {}, {}); } catch (const std::out_of_range& e) { std::puts(e.what()); }
}
"""


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_compiler
@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a C++ compiler")
def test_cpp(tmp_path):
    built(tmp_path, trainable()[0])
    (tmp_path / "learn.cpp").write_text(LEARN)
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-O0"]
    run(["c++", *flags, "-o", "learn", "learn.cpp", "libmodel.a", "-lm"], tmp_path)
    lines = run(["./learn"], tmp_path).splitlines()
    assert lines == ["3.00 1", "0.00", "1", "x has another type", "-2", "no function nothing"]


@needs_compiler
@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs CMake")
def test_cmake(tmp_path):
    built(tmp_path, trainable()[0])
    run(["cmake", "-S", ".", "-B", "build"], tmp_path)
    run(["cmake", "--build", "build"], tmp_path)
    assert "100% tests passed" in run(["ctest", "--test-dir", "build"], tmp_path)


def java_version():
    """The version of the Java that compiles and runs a source; 0 if there is none."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        return 0
    said = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


@needs_compiler
@pytest.mark.skipif(java_version() < JAVA_OF_FFM, reason="needs a JDK from 22 on")
def test_java(tmp_path):
    built(tmp_path, trainable()[0])
    (tmp_path / "Learn.java").write_text(
        """
        import java.nio.file.Path;
        import java.util.Map;
        public class Learn {
          public static void main(String[] arguments) {
            try (PenstockModel model = PenstockModel.load(Path.of("libmodel.so"))) {
              float[] x = new float[8], y = new float[8];
              for (int i = 0; i < 8; i++) { x[i] = -1 + 2 * i / 7f; y[i] = 3 * x[i] - 2; }
              float loss = 1;
              for (int i = 0; i < 100; i++) loss = ((float[]) model.run("train", Map.of("x", x, "y", y)).get("loss"))[0];
              System.out.println(loss < 1e-3);
              try { model.run("predict", Map.of("x", new float[3])); }
              catch (PenstockModel.ModelException refused) { System.out.println(refused.status); }
            }
          }
        }
        """
    )
    run(["javac", "PenstockModel.java", "Learn.java"], tmp_path)
    said = run(["java", "--enable-native-access=ALL-UNNAMED", "-cp", ".", "Learn"], tmp_path)
    assert said.split() == ["true", "-4"]


def test_examples_call_what_there_is():
    """Java's and Swift's examples are compiled only where their compilers are."""
    java, swift = ((EXAMPLES / name).read_text() for name in ("Read.java", "read.swift"))
    assert "PenstockModel.load" in java and "penstock_run(&table, 0" in swift
