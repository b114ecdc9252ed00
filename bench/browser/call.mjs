// node call.mjs BACKEND FOLDER PACKAGES SECONDS: times a model's calls in a runtime for browsers, on one thread; prints a line of JSON.
//
// FOLDER has the model as the backend wants it, call.json ({input: {name, shape, type}, tolerance}), x.bin, and y.bin, which results are held to before
// anything is timed. A call is given a typed array, or the runtime's own tensor of it, and its result is read as a typed array.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const AT_ONCE = 5;
const [backend, folder, packages, seconds] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(packages, "package.json")));

/** The bytes of a file, in a buffer of their own. */
function bytes(...parts) {
  const data = readFileSync(join(...parts));
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
}

const ARRAYS = { float32: Float32Array, int32: Int32Array };
const { input, tolerance } = JSON.parse(readFileSync(join(folder, "call.json")));
const x = new ARRAYS[input.type](bytes(folder, "x.bin"));
const wanted = new Float32Array(bytes(folder, "y.bin"));

// Each loads its scripts, and returns a function that loads the model and gives its call.
const BACKENDS = {
  async penstock() {
    const { default: open } = await import(pathToFileURL(join(folder, "wasm", "index.mjs")));
    return async () => {
      const model = await open(), inputs = { [input.name]: x };
      return () => Object.values(model.run(inputs))[0];
    };
  },

  async "tfjs-wasm"() {
    const tf = require("@tensorflow/tfjs-core");
    require("@tensorflow/tfjs-backend-wasm");
    const { loadGraphModel } = require("@tensorflow/tfjs-converter");
    const place = join(folder, "tfjs");
    const load = () => {
      const head = JSON.parse(readFileSync(join(place, "model.json")));
      const files = head.weightsManifest.flatMap((group) => group.paths);
      const data = Buffer.concat(files.map((name) => readFileSync(join(place, name))));
      const weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
      return { ...head, weightSpecs: head.weightsManifest.flatMap((group) => group.weights), weightData };
    };
    return async () => {
      if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js has no wasm backend here.");
      if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) throw new Error("TensorFlow.js does without SIMD here.");
      const model = await loadGraphModel({ load });
      const inputs = { [input.name]: tf.tensor(x, input.shape, input.type) };
      const first = (found) => {
        const result = Array.isArray(found) ? found[0] : found;
        const values = result.dataSync();
        result.dispose();
        return values;
      };
      const isDynamic = JSON.parse(readFileSync(join(place, "model.json"))).modelTopology.node.some((node) => CONTROL.has(node.op));
      return isDynamic ? async () => first(await model.executeAsync(inputs)) : () => first(model.execute(inputs));
    };
  },

  async "onnxruntime-web"() {
    const ort = require("onnxruntime-web");
    return async () => {
      ort.env.wasm.numThreads = 1;
      const model = await ort.InferenceSession.create(new Uint8Array(bytes(folder, "model.onnx")), { executionProviders: ["wasm"] });
      const inputs = { [input.name]: new ort.Tensor(input.type, x, input.shape) };
      const [name] = model.outputNames;
      return async () => (await model.run(inputs))[name].data;
    };
  },
};
const CONTROL = new Set(["While", "StatelessWhile", "If", "StatelessIf"]); // which TensorFlow.js runs asynchronously only

function check(found) {
  const most = wanted.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  const far = found.length === wanted.length ? wanted.reduce((a, v, i) => Math.max(a, Math.abs(v - found[i])), 0) : Infinity;
  if (!(far <= tolerance * most)) throw new Error(`${backend}: the result is ${far / most} of its greatest value off.`);
}

/** Milliseconds of the fastest of many calls, in groups. */
async function fastest(call) {
  let best = Infinity;
  const begin = performance.now();
  const probe = call(), isAsync = probe instanceof Promise;
  await probe;
  while (performance.now() - begin < 1000 * seconds) {
    const start = performance.now();
    for (let i = 0; i < AT_ONCE; i++) isAsync ? await call() : call();
    best = Math.min(best, (performance.now() - start) / AT_ONCE);
  }
  return best;
}

const open = await BACKENDS[backend]();
const start = performance.now();
const call = await open();
const first = await call();
const ready = performance.now() - start;
check(first);
const once = await fastest(call);
check(await call());
console.log("RESULT " + JSON.stringify({ one_us: 1e3 * once, start_ms: ready }));
process.exit(0);
