/** Models that `penstock build --target wasm32` makes. */

export type Values =
  | Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array
  | BigInt64Array | BigUint64Array;

/** An input or output; -1 in a shape is the batch. */
export interface Tensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
}

/** A run that was refused (status below 0), or a check of the model that failed. */
export class ModelError extends Error {
  readonly status: number;
}

/** A signature of a model: elements lie row by row, the last axis densest. */
export interface ModelFunction<Inputs = Record<string, Values | number[]>, Outputs = Record<string, Values>> {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly batches: readonly number[];
  run(inputs: Inputs): Outputs;
}

/** A model over memory of its own: one run at a time. */
export interface Model<Functions = Record<string, ModelFunction>> {
  readonly name: string;
  readonly version: string;
  readonly target: string;
  readonly functions: Functions;
  readonly variables: Record<string, Values>;
  /** The outputs of the model's one function. */
  run(inputs: Record<string, Values | number[]>): Record<string, Values>;
  /** Gives variables their first values again. */
  reset(): void;
}

export type Source = string | URL | Response | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

export function load(source: Source, options?: { weights?: Source }): Promise<Model>;
