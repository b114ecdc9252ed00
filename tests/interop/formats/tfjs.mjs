// node tfjs.mjs MODEL INPUT: runs a model's folder on an input, and prints the first result as JSON.
import fs from 'fs';
import path from 'path';
import * as tf from '@tensorflow/tfjs';

const [folder, input] = process.argv.slice(2);
const head = JSON.parse(fs.readFileSync(path.join(folder, 'model.json')));

function load() {
  const groups = head.weightsManifest;
  const data = Buffer.concat(groups.flatMap((group) => group.paths.map((name) => fs.readFileSync(path.join(folder, name)))));
  return {
    ...head,
    weightSpecs: groups.flatMap((group) => group.weights),
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  };
}

const given = JSON.parse(fs.readFileSync(input));
const x = tf.tensor(given.data, given.shape, given.dtype);
let result;
if (head.format === 'layers-model') {
  const model = await tf.loadLayersModel({load});
  result = model.predict(x);
} else {
  const model = await tf.loadGraphModel({load});
  result = await model.executeAsync({[given.name]: x});
}
const first = Array.isArray(result) ? result[0] : result;
console.log(JSON.stringify({shape: first.shape, data: Array.from(await first.data())}));
