import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A shared library that `penstock build` made, in Java 22 and later: no code but this class and the library.
 *
 * <pre>
 * try (PenstockModel model = PenstockModel.load(Path.of("libdigits.so"))) {
 *   Map&lt;String, Object&gt; got = model.run("read", Map.of("image", new float[784]));
 *   float[] scores = (float[]) got.get("scores");
 * }
 * </pre>
 *
 * The layout of the table that is read here is that of libpenstock_model.h. One thread at a time runs a model.
 */
public final class PenstockModel implements AutoCloseable {
  private static final int ABI = 1;
  private static final int TENSOR = 40, FUNCTION = 56, ARRAY = 16;  // bytes of the structures
  private static final String[] STATUSES = {
    "ok", "the model's code is at fault", "there are not as many inputs or outputs", "an address is missing",
    "an array or the weights have another size", "an array, the arena or the weights are not aligned",
    "the arena is too small", "the arena is not prepared", "the model was not built for this batch size",
  };
  private static final Linker LINKER = Linker.nativeLinker();

  /** A run that was refused (status below 0), or a check of the model that failed. */
  public static final class ModelException extends RuntimeException {
    public final int status;

    ModelException(String message, int status) {
      super(message);
      this.status = status;
    }
  }

  /** An input or output; -1 in a shape is the batch. Types are the numbers of libpenstock_model.h. */
  public record Tensor(String name, int type, long[] shape, long bytes, boolean isBatched) {}

  private record Function(Tensor[] inputs, Tensor[] outputs, MethodHandle run) {}

  private final Arena memory = Arena.ofShared();
  private final Map<String, Function> functions = new LinkedHashMap<>();
  private final MemorySegment table;
  private final MemorySegment arena;
  private final MethodHandle prepare;

  private PenstockModel(Path library) {
    SymbolLookup symbols = SymbolLookup.libraryLookup(library.toAbsolutePath(), memory);
    MethodHandle entry = LINKER.downcallHandle(
        symbols.find("penstock_model").orElseThrow(), FunctionDescriptor.of(ValueLayout.ADDRESS));
    table = whole((MemorySegment) call(entry));
    if (integer(table, 0) != ABI) {
      throw new ModelException(library + " has ABI " + integer(table, 0) + "; " + ABI + " is known here.", 0);
    }
    arena = memory.allocate(Math.max(number(table, 64), 1), number(table, 72));
    prepare = LINKER.downcallHandle(address(table, 56), FunctionDescriptor.of(
        ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
    MemorySegment rows = address(table, 32);
    for (int i = 0; i < integer(table, 4); i++) {
      MemorySegment row = rows.asSlice((long) i * FUNCTION, FUNCTION);
      MethodHandle run = LINKER.downcallHandle(address(row, 24), FunctionDescriptor.of(
          ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT,
          ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
      functions.put(text(address(row, 0)), new Function(
          tensors(address(row, 8), integer(row, 40)), tensors(address(row, 16), integer(row, 44)), run));
    }
    reset();
  }

  /** Loads a library. */
  public static PenstockModel load(Path library) {
    return new PenstockModel(library);
  }

  /** Gives variables their first values again. */
  public void reset() {
    check((int) call(prepare, arena, arena.byteSize(), MemorySegment.NULL, 0L));
  }

  /** What a function takes. */
  public Tensor[] inputs(String function) {
    return found(function).inputs().clone();
  }

  /** What a function gives. */
  public Tensor[] outputs(String function) {
    return found(function).outputs().clone();
  }

  /** Runs a function on arrays of Java (float[], int[], byte[], ...) by the names of its inputs; gives the same by those of its outputs. */
  public Map<String, Object> run(String name, Map<String, ?> inputs) {
    Function function = found(name);
    try (Arena room = Arena.ofConfined()) {
      long rows = 1;
      MemorySegment ins = room.allocate(Math.max(1, (long) ARRAY * function.inputs().length), 8);
      for (int i = 0; i < function.inputs().length; i++) {
        Tensor tensor = function.inputs()[i];
        Object given = inputs.get(tensor.name());
        if (given == null) {
          throw new ModelException(name + ": the input " + tensor.name() + " is missing.", 0);
        }
        MemorySegment values = onHeap(given);
        if (tensor.isBatched()) {
          rows = values.byteSize() / tensor.bytes();
        }
        put(ins, i, room.allocate(Math.max(1, values.byteSize()), 64).copyFrom(values), values.byteSize());
      }
      MemorySegment outs = room.allocate(Math.max(1, (long) ARRAY * function.outputs().length), 8);
      MemorySegment[] results = new MemorySegment[function.outputs().length];
      for (int i = 0; i < results.length; i++) {
        Tensor tensor = function.outputs()[i];
        long bytes = tensor.bytes() * (tensor.isBatched() ? rows : 1);
        results[i] = room.allocate(Math.max(1, bytes), 64).asSlice(0, bytes);
        put(outs, i, results[i], bytes);
      }
      check((int) call(function.run(), ins, function.inputs().length, outs, results.length, arena, arena.byteSize()));
      Map<String, Object> got = new LinkedHashMap<>();
      for (int i = 0; i < results.length; i++) {
        got.put(function.outputs()[i].name(), toArray(results[i], function.outputs()[i].type()));
      }
      return got;
    }
  }

  @Override
  public void close() {
    memory.close();
  }

  private Function found(String name) {
    Function function = functions.get(name);
    if (function == null) {
      throw new ModelException("There is no function " + name + ", but " + functions.keySet() + ".", 0);
    }
    return function;
  }

  private void check(int status) {
    if (status > 0) {
      throw new ModelException(text(address(address(table, 48), 8L * (status - 1))), status);
    }
    if (status < 0) {
      throw new ModelException(text(address(table, 8)) + ": " + STATUSES[-status] + ".", status);
    }
  }

  private static Object call(MethodHandle handle, Object... arguments) {
    try {
      return handle.invokeWithArguments(arguments);
    } catch (RuntimeException | Error error) {
      throw error;
    } catch (Throwable error) {
      throw new IllegalStateException(error);
    }
  }

  private static Tensor[] tensors(MemorySegment rows, int count) {
    Tensor[] made = new Tensor[count];
    for (int i = 0; i < count; i++) {
      MemorySegment row = rows.asSlice((long) i * TENSOR, TENSOR);
      long[] shape = new long[integer(row, 28)];
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = number(address(row, 8), 8L * axis);
      }
      made[i] = new Tensor(text(address(row, 0)), integer(row, 24), shape, number(row, 16), integer(row, 36) != 0);
    }
    return made;
  }

  private static void put(MemorySegment arrays, int number, MemorySegment data, long bytes) {
    arrays.set(ValueLayout.ADDRESS, (long) ARRAY * number, data);
    arrays.set(ValueLayout.JAVA_LONG, (long) ARRAY * number + 8, bytes);
  }

  private static MemorySegment onHeap(Object array) {
    if (array instanceof float[] x) return MemorySegment.ofArray(x);
    if (array instanceof double[] x) return MemorySegment.ofArray(x);
    if (array instanceof byte[] x) return MemorySegment.ofArray(x);
    if (array instanceof short[] x) return MemorySegment.ofArray(x);
    if (array instanceof int[] x) return MemorySegment.ofArray(x);
    if (array instanceof long[] x) return MemorySegment.ofArray(x);
    throw new ModelException("An input is an array of float, double, byte, short, int or long.", 0);
  }

  private static Object toArray(MemorySegment data, int type) {
    return switch (type) {
      case 1 -> data.toArray(ValueLayout.JAVA_FLOAT);
      case 2 -> data.toArray(ValueLayout.JAVA_DOUBLE);
      case 3, 22 -> data.toArray(ValueLayout.JAVA_INT);
      case 9, 23 -> data.toArray(ValueLayout.JAVA_LONG);
      case 5, 14, 17, 19 -> data.toArray(ValueLayout.JAVA_SHORT);
      default -> data.toArray(ValueLayout.JAVA_BYTE);
    };
  }

  private static int integer(MemorySegment from, long at) {
    return from.get(ValueLayout.JAVA_INT, at);
  }

  private static long number(MemorySegment from, long at) {
    return from.get(ValueLayout.JAVA_LONG, at);
  }

  private static MemorySegment address(MemorySegment from, long at) {
    return whole(from.get(ValueLayout.ADDRESS, at));
  }

  private static MemorySegment whole(MemorySegment address) {
    return address.reinterpret(Long.MAX_VALUE);
  }

  private static String text(MemorySegment address) {
    return address.getString(0);
  }
}
