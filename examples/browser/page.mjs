// A canvas whose digit the model reads, here in the browser: nothing is sent anywhere.
import open from "./model/index.mjs";

const SIDE = 28, BOX = 20; // pixels of the model's image, and of the digit in it, as in MNIST
const paper = document.querySelector("#paper");
const ink = paper.getContext("2d", { willReadFrequently: true });
const rows = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement("li");
  row.innerHTML = `<b>${digit}</b><i></i><span></span>`;
  document.querySelector("#scores").append(row);
  return row;
});
const say = (text) => (document.querySelector("#status").textContent = text);

const model = await open();

/** The probabilities of the ten digits for an image of 28 x 28 numbers from 0 to 1. */
export function read(image) {
  const { scores } = model.run({ image });
  const most = Math.max(...scores);
  const shares = Array.from(scores, (x) => Math.exp(x - most));
  const sum = shares.reduce((a, b) => a + b);
  return shares.map((x) => x / sum);
}

/** The paper as MNIST has digits: scaled to 20 pixels, its center of mass in the middle. Null if nothing is drawn. */
export function imageOnPaper() {
  const { width, height } = paper;
  const { data } = ink.getImageData(0, 0, width, height);
  let left = width, right = -1, top = height, bottom = -1, mass = 0, x = 0, y = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const weight = data[4 * (row * width + column) + 3];
      if (!weight) continue;
      [left, right] = [Math.min(left, column), Math.max(right, column)];
      [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
      mass += weight;
      x += weight * column;
      y += weight * row;
    }
  }
  if (!mass) return null;
  const scale = BOX / Math.max(right - left + 1, bottom - top + 1);
  const small = new OffscreenCanvas(SIDE, SIDE).getContext("2d");
  small.imageSmoothingQuality = "high";
  small.translate(SIDE / 2 - (x / mass) * scale, SIDE / 2 - (y / mass) * scale);
  small.scale(scale, scale);
  small.drawImage(paper, 0, 0);
  const pixels = small.getImageData(0, 0, SIDE, SIDE).data;
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => pixels[4 * i + 3] / 255);
}

function show() {
  const image = imageOnPaper();
  const start = performance.now();
  const shares = image ? read(image) : new Array(10).fill(0);
  const best = image ? shares.indexOf(Math.max(...shares)) : -1;
  rows.forEach((row, digit) => {
    row.classList.toggle("best", digit === best);
    row.querySelector("i").style.width = `${100 * shares[digit]}%`;
    row.querySelector("span").textContent = image ? `${(100 * shares[digit]).toFixed(0)} %` : "";
  });
  say(image ? `Read in ${(performance.now() - start).toFixed(1)} ms, in this browser.` : "Ready.");
}

let last = null;
const place = (event) => [event.offsetX, event.offsetY];
paper.addEventListener("pointerdown", (event) => {
  paper.setPointerCapture(event.pointerId);
  last = place(event);
});
paper.addEventListener("pointermove", (event) => {
  if (!last) return;
  Object.assign(ink, { lineWidth: 22, lineCap: "round", strokeStyle: "#fff" });
  ink.beginPath();
  ink.moveTo(...last);
  ink.lineTo(...(last = place(event)));
  ink.stroke();
  show();
});
paper.addEventListener("pointerup", () => (last = null));
document.querySelector("#clear").addEventListener("click", () => {
  ink.clearRect(0, 0, paper.width, paper.height);
  show();
});

globalThis.read = read;
show();
if ("serviceWorker" in navigator) {
  await navigator.serviceWorker.register("offline.js");
  await navigator.serviceWorker.ready;
  document.documentElement.dataset.offline = "ready";
}
