// Loads models that `penstock build --target wasm32` makes, in browsers and in node. No dependencies.
//
//   import { load } from "./penstock_model.mjs";
//   const model = await load(new URL("digits.wasm", import.meta.url));
//   const { scores } = model.run({ image: pixels });     // typed arrays in, typed arrays out
//
// The layout of the table that is read here is that of libpenstock_model.h, with addresses of four bytes.

const ABI = 1;
const PAGE = 65536;
const STATUSES = [
  "ok", "the model's code is at fault", "there are not as many inputs or outputs", "an address is missing",
  "an array or the weights have another size", "an array, the arena or the weights are not aligned",
  "the arena is too small", "the arena is not prepared", "the model was not built for this batch size",
];
// TensorFlow's number of a type -> its name, and the array that holds it (bits of what JavaScript lacks).
const TYPES = new Map([
  [1, ["float32", Float32Array]], [2, ["float64", Float64Array]], [3, ["int32", Int32Array]],
  [4, ["uint8", Uint8Array]], [5, ["int16", Int16Array]], [6, ["int8", Int8Array]],
  [9, ["int64", BigInt64Array]], [10, ["bool", Uint8Array]], [14, ["bfloat16", Uint16Array]],
  [17, ["uint16", Uint16Array]], [19, ["float16", Uint16Array]], [22, ["uint32", Uint32Array]],
  [23, ["uint64", BigUint64Array]],
]);

/** A run that was refused, or a check of the model that failed. */
export class ModelError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.name = "ModelError";
    this.status = status;
  }
}

/** Reads the constant table of a module. */
class Table {
  constructor(memory) {
    this.memory = memory;
  }

  get view() {
    return new DataView(this.memory.buffer); // anew: a memory that has grown has another buffer
  }

  word(at) {
    return this.view.getUint32(at, true);
  }

  int(at) {
    return this.view.getInt32(at, true);
  }

  long(at) {
    return Number(this.view.getBigInt64(at, true));
  }

  text(at) {
    const bytes = new Uint8Array(this.memory.buffer, at);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }

  tensor(at) {
    const type = this.int(at + 16);
    const [name, array] = TYPES.get(type) ?? [`type ${type}`, Uint8Array];
    const shape = Array.from({ length: this.int(at + 20) }, (_, i) => this.long(this.word(at + 4) + 8 * i));
    const known = { name: this.text(this.word(at)), type: name, shape };
    return { known, array, bytes: this.long(at + 8), isBatched: this.int(at + 28) !== 0 };
  }
}

const TENSOR = 32, FUNCTION = 36, VARIABLE = 40, ARRAY = 16; // bytes of the structures

/** A signature of a model. */
class ModelFunction {
  constructor(model, at) {
    const { table } = model;
    this.model = model;
    this.name = table.text(table.word(at));
    const counts = [table.int(at + 20), table.int(at + 24)];
    const [ins, outs] = counts.map((count, side) =>
      Array.from({ length: count }, (_, i) => table.tensor(table.word(at + 4 + 4 * side) + TENSOR * i)));
    this.run_ = model.functionTable.get(table.word(at + 12));
    this.batches = Array.from({ length: table.int(at + 28) }, (_, i) => table.long(table.word(at + 16) + 8 * i));
    this.ins = ins;
    this.outs = outs;
    this.inputs = ins.map((each) => each.known);
    this.outputs = outs.map((each) => each.known);
  }

  /** The outputs for these inputs, by name. */
  run(inputs) {
    const { model, ins, outs } = this;
    const missing = ins.find((each) => !(each.known.name in inputs));
    if (missing) throw new ModelError(`${this.name}: the input ${missing.known.name} is missing.`);
    let rows = 1;
    const given = ins.map((each) => {
      const array = asArray(inputs[each.known.name], each, this.name);
      if (each.isBatched) rows = array.byteLength / each.bytes;
      return array;
    });
    const sizes = [...given.map((array) => array.byteLength), ...outs.map((each) => each.bytes * (each.isBatched ? rows : 1))];
    const room = model.room(ARRAY * sizes.length + sizes.reduce((sum, size) => sum + padded(size), 0));
    let at = room + padded(ARRAY * sizes.length);
    const places = sizes.map((size) => {
      const place = at;
      at += padded(size);
      return place;
    });
    const view = model.table.view;
    sizes.forEach((size, i) => {
      view.setUint32(room + ARRAY * i, places[i], true);
      view.setBigUint64(room + ARRAY * i + 8, BigInt(Math.trunc(size)), true);
    });
    given.forEach((array, i) => {
      new Uint8Array(model.memory.buffer, places[i], array.byteLength).set(
        new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    });
    const status = this.run_(room, ins.length, room + ARRAY * ins.length, outs.length, model.arena, BigInt(model.arenaBytes));
    model.check(status);
    return Object.fromEntries(outs.map((each, i) => {
      const place = places[ins.length + i];
      const bytes = model.memory.buffer.slice(place, place + sizes[ins.length + i]);
      return [each.known.name, new each.array(bytes)];
    }));
  }
}

/** A model over memory of its own: one run at a time. */
class Model {
  constructor(instance, weights) {
    const { exports } = instance;
    exports._initialize?.();
    this.memory = exports.memory;
    this.functionTable = exports.__indirect_function_table;
    const table = (this.table = new Table(this.memory));
    const at = (this.at = exports.penstock_model());
    if (table.int(at) !== ABI) throw new ModelError(`The module has ABI ${table.int(at)}; ${ABI} is known here.`);
    this.name = table.text(table.word(at + 8));
    this.version = table.text(table.word(at + 12));
    this.target = table.text(table.word(at + 16));
    this.arenaBytes = table.long(at + 40);
    const weightsBytes = table.long(at + 64);
    if (weightsBytes !== (weights?.byteLength ?? 0)) {
      throw new ModelError(`${this.name} needs ${weightsBytes} bytes of weights. Received ${weights?.byteLength ?? 0}.`);
    }
    this.next = this.memory.buffer.byteLength; // behind what the module itself uses
    this.roomAt = 0;
    this.roomBytes = 0;
    this.arena = this.allocate(this.arenaBytes);
    this.weights = 0;
    if (weights) {
      this.weights = this.allocate(weightsBytes);
      new Uint8Array(this.memory.buffer, this.weights, weightsBytes).set(new Uint8Array(weights.buffer ?? weights));
    }
    this.weightsBytes = weightsBytes;
    this.functions = {};
    for (let i = 0; i < table.int(at + 4); i++) {
      const made = new ModelFunction(this, table.word(at + 20) + FUNCTION * i);
      this.functions[made.name] = made;
    }
    this.reset();
  }

  /** Gives variables their first values again. */
  reset() {
    const prepare = this.functionTable.get(this.table.word(this.at + 32));
    this.check(prepare(this.arena, BigInt(this.arenaBytes), this.weights, BigInt(this.weightsBytes)));
  }

  /** The variables that functions assign: copies of their values, by name. */
  get variables() {
    const { table, at } = this;
    const found = {};
    for (let i = 0; i < table.int(at + 72); i++) {
      const place = table.word(at + 24) + VARIABLE * i;
      const { known, array, bytes } = table.tensor(place);
      const start = this.arena + table.long(place + TENSOR);
      found[known.name] = new array(this.memory.buffer.slice(start, start + bytes));
    }
    return found;
  }

  /** The outputs of the one function of the model. */
  run(inputs) {
    const all = Object.values(this.functions);
    if (all.length !== 1) throw new ModelError(`${this.name} has the functions ${Object.keys(this.functions).join(", ")}.`);
    return all[0].run(inputs);
  }

  allocate(bytes) {
    const place = padded(this.next);
    const missing = place + bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE));
    this.next = place + bytes;
    return place;
  }

  /** Memory for the arrays of a call, used again by the next. */
  room(bytes) {
    if (bytes + 64 > this.roomBytes) {
      this.roomBytes = 2 * bytes + 64;
      this.roomAt = this.allocate(this.roomBytes);
    }
    return padded(this.roomAt);
  }

  check(status) {
    if (status === 0) return;
    if (status < 0) throw new ModelError(`${this.name}: ${STATUSES[-status]}.`, status);
    throw new ModelError(this.table.text(this.table.word(this.table.word(this.at + 28) + 4 * (status - 1))), status);
  }
}

const padded = (size) => Math.ceil(size / 64) * 64;

function asArray(value, tensor, where) {
  const { known, array: Kind, bytes, isBatched } = tensor;
  const array = value instanceof Kind ? value : ArrayBuffer.isView(value) || Array.isArray(value) || value?.[Symbol.iterator]
    ? Kind.from(value) : Kind.of(value);
  const wrong = isBatched ? array.byteLength % bytes !== 0 : array.byteLength !== bytes;
  if (wrong) {
    const count = bytes / Kind.BYTES_PER_ELEMENT;
    throw new ModelError(`${where}: ${known.name} must have ${count} elements${isBatched ? " a row" : ""}. Received ${array.length}.`);
  }
  return array;
}

async function bytesOf(source) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source;
  if (typeof Response !== "undefined" && source instanceof Response) return source.arrayBuffer();
  const text = String(source);
  const isNode = typeof process !== "undefined" && process.versions?.node;
  if (isNode && !/^https?:/.test(text)) {
    const { readFile } = await import("node:fs/promises");
    return readFile(text.startsWith("file:") ? new URL(text) : text);
  }
  const response = await fetch(source);
  if (!response.ok) throw new ModelError(`${text}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

/**
 * Loads a model.
 *
 * @param source a URL, a path (in node), a Response, bytes, or a compiled WebAssembly.Module.
 * @param options weights: the same of the file of weights, if the model has one.
 */
export async function load(source, { weights } = {}) {
  const module = source instanceof WebAssembly.Module ? source : await WebAssembly.compile(await bytesOf(source));
  const instance = await WebAssembly.instantiate(module, {});
  const held = weights === undefined ? undefined : await bytesOf(weights);
  return new Model(instance, held);
}
