// C++17 over libpenstock_model.h: arrays as spans whose types and sizes are looked at, errors as exceptions.
//
//   #include "digits.h"
//   #include "penstock_model.hpp"
//
//   penstock::Model model(digits_model);
//   std::vector<float> image(784), scores(10);
//   model.run("read", {penstock::in(image)}, {penstock::out(scores)});
#ifndef PENSTOCK_MODEL_HPP
#define PENSTOCK_MODEL_HPP

#include "libpenstock_model.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace penstock {

// A run that was refused (status below 0), or a check of the model that failed.
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, std::int32_t status) : std::runtime_error(message), status(status) {}
  const std::int32_t status;
};

// Elements that lie in a row, owned by somebody else.
template <class T>
class Span {
 public:
  Span(T* data, std::size_t size) : data_(data), size_(size) {}
  template <class Container, class = decltype(std::declval<Container&>().data())>
  Span(Container& held) : data_(held.data()), size_(held.size()) {}
  template <std::size_t N>
  Span(T (&held)[N]) : data_(held), size_(N) {}
  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }

 private:
  T* data_;
  std::size_t size_;
};

// The number of an element's type; 0 for bytes, which fit any (bfloat16, float16).
template <class T>
constexpr std::int32_t type_of() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, float>) return PENSTOCK_FLOAT32;
  else if constexpr (std::is_same_v<U, double>) return PENSTOCK_FLOAT64;
  else if constexpr (std::is_same_v<U, bool>) return PENSTOCK_BOOL;
  else if constexpr (std::is_same_v<U, std::int8_t>) return PENSTOCK_INT8;
  else if constexpr (std::is_same_v<U, std::int16_t>) return PENSTOCK_INT16;
  else if constexpr (std::is_same_v<U, std::int32_t>) return PENSTOCK_INT32;
  else if constexpr (std::is_same_v<U, std::int64_t>) return PENSTOCK_INT64;
  else if constexpr (std::is_same_v<U, std::uint8_t>) return PENSTOCK_UINT8;
  else if constexpr (std::is_same_v<U, std::uint16_t>) return PENSTOCK_UINT16;
  else if constexpr (std::is_same_v<U, std::uint32_t>) return PENSTOCK_UINT32;
  else if constexpr (std::is_same_v<U, std::uint64_t>) return PENSTOCK_UINT64;
  else {
    static_assert(std::is_same_v<U, std::byte>, "an element of a model, or std::byte");
    return 0;
  }
}

// An argument of a run.
struct Array {
  penstock_array array;
  std::int32_t type;
};

template <class T>
Array in(Span<const T> values) {
  return {{const_cast<T*>(values.data()), values.size() * sizeof(T)}, type_of<T>()};
}
template <class Container>
Array in(const Container& values) {
  return in(Span<const std::remove_reference_t<decltype(*values.data())>>(values.data(), values.size()));
}
template <class T, std::size_t N>
Array in(const T (&values)[N]) {
  return in(Span<const T>(values, N));
}
template <class T>
Array out(Span<T> values) {
  return {{values.data(), values.size() * sizeof(T)}, type_of<T>()};
}
template <class Container>
Array out(Container& values) {
  return out(Span<std::remove_reference_t<decltype(*values.data())>>(values.data(), values.size()));
}
template <class T, std::size_t N>
Array out(T (&values)[N]) {
  return out(Span<T>(values, N));
}

// A model with an arena of its own: one run at a time.
class Model {
 public:
  // `weights` are those of the file of weights, if the model has one; they have to stay where they are.
  explicit Model(const penstock_model& table, const void* weights = nullptr, std::uint64_t weights_bytes = 0)
      : table_(&table), weights_(weights), weights_bytes_(weights_bytes),
        arena_(static_cast<std::byte*>(::operator new(size(), std::align_val_t(64)))) {
    reset();
  }

  const penstock_model& table() const { return *table_; }

  // Gives variables their first values again.
  void reset() { check(penstock_prepare(table_, arena_.get(), size(), weights_, weights_bytes_)); }

  // The function of a name. Throws std::out_of_range if there is none.
  const penstock_function& function(std::string_view name) const { return table_->functions[number_of(name)]; }

  // Runs a function. Throws Error.
  void run(std::string_view name, const std::vector<Array>& inputs, const std::vector<Array>& outputs) {
    run(number_of(name), inputs, outputs);
  }

  // Runs the first function.
  void run(const std::vector<Array>& inputs, const std::vector<Array>& outputs) { run(0, inputs, outputs); }

  // The value of a variable that functions assign: it may be written to.
  template <class T>
  Span<T> variable(std::string_view name) {
    for (std::int32_t i = 0; i < table_->variable_count; i++) {
      const penstock_variable& found = table_->variables[i];
      if (found.tensor.name != name) continue;
      if (type_of<T>() && found.tensor.type != type_of<T>()) throw Error(std::string(name) + " has another type", PENSTOCK_SIZE);
      return {reinterpret_cast<T*>(arena_.get() + found.offset), found.tensor.bytes / sizeof(T)};
    }
    throw std::out_of_range("no variable " + std::string(name));
  }

  // The variables' bytes: what a program saves, and writes back into the same place.
  Span<std::byte> state() { return {arena_.get(), table_->state_bytes}; }

 private:
  struct Free {
    void operator()(std::byte* memory) const { ::operator delete(memory, std::align_val_t(64)); }
  };

  std::size_t size() const { return table_->arena_bytes ? table_->arena_bytes : 1; }

  std::int32_t number_of(std::string_view name) const {
    for (std::int32_t i = 0; i < table_->function_count; i++) {
      if (table_->functions[i].name == name) return i;
    }
    throw std::out_of_range("no function " + std::string(name));
  }

  void run(std::int32_t number, const std::vector<Array>& inputs, const std::vector<Array>& outputs) {
    const penstock_function& function = table_->functions[number];
    const auto ins = arrays(inputs, function.inputs, function.input_count);
    const auto outs = arrays(outputs, function.outputs, function.output_count);
    check(penstock_run(table_, number, ins.data(), static_cast<std::int32_t>(ins.size()), outs.data(),
                       static_cast<std::int32_t>(outs.size()), arena_.get(), size()));
  }

  std::vector<penstock_array> arrays(const std::vector<Array>& given, const penstock_tensor* tensors, std::int32_t count) const {
    std::vector<penstock_array> made;
    for (std::size_t i = 0; i < given.size(); i++) {
      if (i < static_cast<std::size_t>(count) && given[i].type && given[i].type != tensors[i].type) {
        throw Error(std::string(tensors[i].name) + " has another type", PENSTOCK_SIZE);
      }
      made.push_back(given[i].array);
    }
    return made;
  }

  void check(std::int32_t status) const {
    if (status) throw Error(std::string(table_->name) + ": " + penstock_status_text(table_, status), status);
  }

  const penstock_model* table_;
  const void* weights_;
  std::uint64_t weights_bytes_;
  std::unique_ptr<std::byte, Free> arena_;
};

}  // namespace penstock

#endif
