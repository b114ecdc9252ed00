// Holds the model to values that Penstock computed. Its status is 0 if all agree.
import open from "./index.mjs";

const calls = "@CALLS@";
const TOLERANCE = "@TOLERANCE@";

const decoded = ([kind, text]) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new globalThis[kind](bytes.buffer);
};

function agree(got, wanted) {
  if (got.length !== wanted.length) return false;
  if (!(wanted instanceof Float32Array || wanted instanceof Float64Array)) return wanted.every((x, i) => x === got[i]);
  const most = wanted.reduce((a, x) => Math.max(a, Math.abs(x) || 0), 1);
  return wanted.every((x, i) => Object.is(x, got[i]) || x === got[i] || Math.abs(x - got[i]) <= TOLERANCE * most);
}

const model = await open();
let wrong = 0;
for (const { function: name, inputs, outputs } of calls) {
  const given = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, decoded(value)]));
  const got = model.functions[name].run(given);
  for (const [key, value] of Object.entries(outputs)) {
    if (!agree(got[key], decoded(value))) {
      console.log(`${name}: ${key} differs`);
      wrong = 1;
    }
  }
}
if (!wrong) console.log(`${model.name}: ${calls.length} calls agree`);
if (typeof process !== "undefined") process.exitCode = wrong;
