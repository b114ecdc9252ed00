/* The C ABI of models that `penstock build` makes.

   A model is a table: `const penstock_model *`. A library linked in has it as `NAME_model`; every shared library gives it by the
   one function `penstock_model_get`, below a call of the exported `penstock_model()`. Nothing here allocates, locks or prints, and a
   table never changes. Runs that do not share an arena may go on at once.

       const penstock_model *model = penstock_model();
       void *arena = aligned_alloc(model->arena_alignment, model->arena_bytes);
       penstock_prepare(model, arena, model->arena_bytes, NULL, 0);
       penstock_array in = {image, sizeof image}, out = {scores, sizeof scores};
       int32_t status = penstock_run(model, 0, &in, 1, &out, 1, arena, model->arena_bytes);
*/
#ifndef LIBPENSTOCK_MODEL_H
#define LIBPENSTOCK_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PENSTOCK_ABI 1 /* `abi` of the tables that this header describes */

/* What functions return. Above 0: a check of the model failed; penstock_status_text says which. */
enum {
  PENSTOCK_OK = 0,
  PENSTOCK_DEFECT = -1,     /* the model's code is at fault */
  PENSTOCK_COUNT = -2,      /* as many inputs or outputs do not exist */
  PENSTOCK_NULL = -3,       /* an address is missing */
  PENSTOCK_SIZE = -4,       /* an array, or the weights, have another size */
  PENSTOCK_ALIGNMENT = -5,  /* an array is not aligned to its elements, or the arena or weights to arena_alignment */
  PENSTOCK_ARENA = -6,      /* the arena is too small */
  PENSTOCK_UNPREPARED = -7, /* the arena has not been through penstock_prepare */
  PENSTOCK_BATCH = -8,      /* the model was not built for this batch size */
  PENSTOCK_ABI_OTHER = -9,  /* the model has another ABI than this header */
  PENSTOCK_FUNCTION = -10   /* there is no such function */
};

/* Types of elements: the numbers of TensorFlow's DataType. */
enum {
  PENSTOCK_FLOAT32 = 1, PENSTOCK_FLOAT64 = 2, PENSTOCK_INT32 = 3, PENSTOCK_UINT8 = 4, PENSTOCK_INT16 = 5,
  PENSTOCK_INT8 = 6, PENSTOCK_COMPLEX64 = 8, PENSTOCK_INT64 = 9, PENSTOCK_BOOL = 10, PENSTOCK_BFLOAT16 = 14,
  PENSTOCK_UINT16 = 17, PENSTOCK_COMPLEX128 = 18, PENSTOCK_FLOAT16 = 19, PENSTOCK_UINT32 = 22, PENSTOCK_UINT64 = 23
};

/* An input, output or variable. Elements lie row by row, the last axis densest. */
typedef struct penstock_tensor {
  const char *name;
  const int64_t *shape; /* -1: the batch */
  uint64_t bytes;       /* of all elements; of one row of the batch if is_batched */
  int32_t type;
  int32_t rank;
  int32_t alignment; /* bytes */
  int32_t is_batched;
} penstock_tensor;

/* Memory of the caller. */
typedef struct penstock_array {
  void *data;
  uint64_t bytes;
} penstock_array;

/* A signature of the model. */
typedef struct penstock_function {
  const char *name;
  const penstock_tensor *inputs;
  const penstock_tensor *outputs;
  int32_t (*run)(const penstock_array *inputs, int32_t input_count, const penstock_array *outputs,
                 int32_t output_count, void *arena, uint64_t arena_bytes);
  const int64_t *batches; /* the batch sizes that it was built for, if inputs are batched */
  int32_t input_count;
  int32_t output_count;
  int32_t batch_count;
  int32_t reserved;
} penstock_function;

/* A variable that functions assign: its value is in the arena. */
typedef struct penstock_variable {
  penstock_tensor tensor;
  uint64_t offset; /* of its value from the arena's start */
} penstock_variable;

typedef struct penstock_model_table {
  int32_t abi;
  int32_t function_count;
  const char *name;
  const char *version; /* of Penstock */
  const char *target;
  const penstock_function *functions;
  const penstock_variable *variables;
  const char *const *messages;
  int32_t (*prepare)(void *arena, uint64_t arena_bytes, const void *weights, uint64_t weights_bytes);
  uint64_t arena_bytes;
  uint64_t arena_alignment;
  uint64_t state_bytes;   /* at the arena's start: what has to stay there between calls, 0 if nothing has */
  uint64_t weights_bytes; /* of the file that penstock_prepare takes, 0 if the library has its weights */
  int32_t variable_count;
  int32_t message_count;
  int32_t threads;
  int32_t reserved;
} penstock_model;

/* Gives an arena the first values of variables, and the model its weights if they are a file of their own, in memory that stays.
   Needed once for each arena if state_bytes is not 0, and harmless otherwise. */
static inline int32_t penstock_prepare(const penstock_model *model, void *arena, uint64_t arena_bytes,
                                       const void *weights, uint64_t weights_bytes) {
  if (model->abi != PENSTOCK_ABI) return PENSTOCK_ABI_OTHER;
  return model->prepare(arena, arena_bytes, weights, weights_bytes);
}

/* Runs a function of the model; sizes and addresses are looked at before anything is read. */
static inline int32_t penstock_run(const penstock_model *model, int32_t function, const penstock_array *inputs,
                                   int32_t input_count, const penstock_array *outputs, int32_t output_count,
                                   void *arena, uint64_t arena_bytes) {
  if (model->abi != PENSTOCK_ABI) return PENSTOCK_ABI_OTHER;
  if (function < 0 || function >= model->function_count) return PENSTOCK_FUNCTION;
  return model->functions[function].run(inputs, input_count, outputs, output_count, arena, arena_bytes);
}

/* What a status means. */
static inline const char *penstock_status_text(const penstock_model *model, int32_t status) {
  static const char *const known[] = {
      "ok", "the model's code is at fault", "there are not as many inputs or outputs", "an address is missing",
      "an array or the weights have another size", "an array, the arena or the weights are not aligned",
      "the arena is too small", "the arena is not prepared", "the model was not built for this batch size",
      "the model has another ABI", "there is no such function"};
  if (status > 0 && status <= model->message_count) return model->messages[status - 1];
  if (status > 0 || status < -10) return "an unknown status";
  return known[-status];
}

#ifdef __cplusplus
}
#endif

#endif
