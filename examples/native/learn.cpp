// Reads digits of a hand that the model does not know, learns from some of them, and reads the others again.
#include "digits.h"
#include "penstock_model.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

constexpr std::size_t PIXELS = 784, BATCH = 50, ROUNDS = 20;

template <class T>
std::vector<T> file(const char* path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  std::vector<T> values(static_cast<std::size_t>(in.tellg()) / sizeof(T));
  in.seekg(0).read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  return values;
}

double accuracy(penstock::Model& model, const std::vector<float>& images, const std::vector<std::int32_t>& labels,
                std::size_t first) {
  std::size_t right = 0;
  for (std::size_t i = first; i < labels.size(); i++) {
    float scores[10];
    const penstock::Span<const float> image(images.data() + i * PIXELS, PIXELS);
    model.run("read", {penstock::in(image)}, {penstock::out(scores)});
    right += std::max_element(scores, scores + 10) - scores == labels[i];
  }
  return static_cast<double>(right) / static_cast<double>(labels.size() - first);
}

int main(int, char** arguments) {
  const auto images = file<float>("images.bin");
  const auto labels = file<std::int32_t>("labels.bin");
  const std::size_t known = std::strtoul(arguments[1], nullptr, 10);
  penstock::Model model(digits_model);
  const double before = accuracy(model, images, labels, known);
  float loss = 0;
  for (std::size_t round = 0; round < ROUNDS; round++) {
    for (std::size_t i = 0; i + BATCH <= known; i += BATCH) {
      const penstock::Span<const float> some(images.data() + i * PIXELS, BATCH * PIXELS);
      const penstock::Span<const std::int32_t> truth(labels.data() + i, BATCH);
      penstock::Span<float> found(&loss, 1);
      model.run("learn", {penstock::in(some), penstock::in(truth)}, {penstock::out(found)});
    }
  }
  try {
    model.run("read", {penstock::in(labels)}, {});
  } catch (const penstock::Error& error) {
    std::printf("A wrong call is refused: %s\n", error.what());
  }
  std::printf("digits: before %.3f, after %.3f\n", before, accuracy(model, images, labels, known));
}
