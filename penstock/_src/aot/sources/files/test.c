/* Holds the model @NAME@ to values that Penstock computed. Its status is 0 if all agree.

   With -DPENSTOCK_BARE it needs no C library but memcpy and memcmp, and says what it finds by `void penstock_say(const char *)`. */
#include "@NAME@.h"
#include "@NAME@_values.h"

#ifdef PENSTOCK_BARE
int memcmp(const void *, const void *, size_t);
void *memcpy(void *, const void *, size_t);
void penstock_say(const char *text);
#else
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
static void penstock_say(const char *text) { fputs(text, stdout); }
#endif

typedef struct {
  const uint8_t *data;
  uint64_t bytes;
  int32_t type;
} values;

typedef struct {
  int32_t function;
  const values *inputs;
  int32_t input_count;
  const values *outputs;
  int32_t output_count;
} call;

@CALLS@
static _Alignas(64) uint8_t arena[@UPPER@_ARENA_BYTES + 1];
static _Alignas(64) uint8_t results[@OUTPUT_BYTES@];

static double element(const uint8_t *data, uint64_t i, int32_t type) {
  switch (type) {
    case PENSTOCK_FLOAT32: { float x; memcpy(&x, data + 4 * i, 4); return x; }
    case PENSTOCK_FLOAT64: { double x; memcpy(&x, data + 8 * i, 8); return x; }
    case PENSTOCK_BFLOAT16: {
      uint32_t bits = (uint32_t)(data[2 * i] | data[2 * i + 1] << 8) << 16;
      float x;
      memcpy(&x, &bits, 4);
      return x;
    }
    default: return 0;
  }
}

static uint64_t size_of(int32_t type) {
  return type == PENSTOCK_FLOAT32 ? 4 : type == PENSTOCK_FLOAT64 ? 8 : type == PENSTOCK_BFLOAT16 ? 2 : 0;
}

/* 1 if two arrays agree: floats within a tolerance of the largest, others exactly (float16 within one bit pattern of 64). */
static int agree(const uint8_t *got, const values *wanted) {
  uint64_t size = size_of(wanted->type), i;
  double most = 1, worst = 0;
  if (wanted->type == PENSTOCK_FLOAT16) {
    for (i = 0; i < wanted->bytes / 2; i++) {
      int16_t a, b;
      memcpy(&a, got + 2 * i, 2);
      memcpy(&b, wanted->data + 2 * i, 2);
      if (a - b > 64 || b - a > 64) return 0;
    }
    return 1;
  }
  if (!size) return memcmp(got, wanted->data, wanted->bytes) == 0;
  for (i = 0; i < wanted->bytes / size; i++) {
    double x = element(got, i, wanted->type), y = element(wanted->data, i, wanted->type);
    double size_of_y = y < 0 ? -y : y, off = x > y ? x - y : y - x;
    if (x != x && y != y) continue;
    if (x == y) continue;
    if (size_of_y > most) most = size_of_y;
    if (!(off <= worst)) worst = off;
  }
  return worst <= @TOLERANCE@ * most;
}

#ifdef PENSTOCK_BARE
#define weights_of(path, bytes) NULL
#else
static void *weights_of(const char *path, uint64_t bytes) {
  void *data = NULL;
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  data = malloc(bytes + 64);
  data = (void *)(((uintptr_t)data + 63) / 64 * 64);
  if (fread(data, 1, bytes, file) != bytes) data = NULL;
  fclose(file);
  return data;
}
#endif

/* Says a count, a word about it and a line's end. */
static void say_count(const char *before, size_t count, const char *after) {
  char digits[24], *at = digits + sizeof digits;
  *--at = 0;
  do *--at = (char)('0' + count % 10);
  while (count /= 10);
  penstock_say("@NAME@: ");
  penstock_say(before);
  penstock_say(at);
  penstock_say(after);
  penstock_say("\n");
}

int main(int count, char **arguments) {
  const penstock_model *model = &@NAME@_model;
  void *weights = NULL;
  int wrong = 0;
  size_t n;
  int32_t i, status;
  (void)count, (void)arguments;
  if (model->weights_bytes) {
    weights = weights_of(count > 1 ? arguments[1] : "@NAME@.weights", model->weights_bytes);
    if (!weights) {
      penstock_say("@NAME@: the file of weights cannot be read\n");
      return 2;
    }
  }
  status = penstock_prepare(model, arena, sizeof arena, weights, model->weights_bytes);
  for (n = 0; !status && n < sizeof calls / sizeof *calls; n++) {
    const call *c = &calls[n];
    penstock_array in[@ARRAYS@], out[@ARRAYS@];
    uint64_t at = 0;
    for (i = 0; i < c->input_count; i++) {
      in[i].data = (void *)c->inputs[i].data;
      in[i].bytes = c->inputs[i].bytes;
    }
    for (i = 0; i < c->output_count; i++) {
      out[i].data = results + at;
      out[i].bytes = c->outputs[i].bytes;
      at += (c->outputs[i].bytes + 63) / 64 * 64;
    }
    status = penstock_run(model, c->function, in, c->input_count, out, c->output_count, arena, sizeof arena);
    for (i = 0; !status && i < c->output_count; i++) {
      if (!agree(out[i].data, &c->outputs[i])) {
        say_count("output ", (size_t)i, " differs");
        wrong = 1;
      }
    }
  }
  if (status) {
    say_count("call ", n, " of the recorded ones: ");
    penstock_say(penstock_status_text(model, status));
    penstock_say("\n");
    return 2;
  }
  if (!wrong) say_count("", n, " calls agree");
  return wrong;
}
