// Fields for the inputs of a signature, and the values that are sent for them.

const CHANNELS = {1: "grey", 3: "color", 4: "color and transparency"};
const SCALES = {"0 to 255": [1, 0], "0 to 1": [1 / 255, 0], "−1 to 1": [2 / 255, -1]};
const PREFILLED = 64; // numbers that are typed in as an example

// Returns {element, value()} for an input; value() throws an Error with what is wrong.
export function fieldFor(input) {
  const element = node("div", "field");
  const shape = input.shape ? `[${input.shape.map((extent) => extent ?? "any").join(", ")}]` : "any shape";
  const name = node("span", "name", `${input.name}: ${input.dtype} ${shape}`);
  element.append(name);
  const made = isImage(input) ? imageField(input) : input.dtype === "string" ? textField(input) : numbersField(input);
  element.append(...made.elements);
  element.dataset.input = input.name;
  return {element, value: made.value};
}

function isImage({dtype, shape}) {
  const rank = shape ? shape.length : 0;
  const channels = shape ? shape[rank - 1] : 0;
  const isNumber = /^(u?int8|u?int16|u?int32|float16|bfloat16|float32|float64)$/.test(dtype);
  // Arrays of some columns are numbers, not pictures.
  return isNumber && (rank === 3 || rank === 4) && channels in CHANNELS && [1, 2].every((i) => shape[rank - 1 - i] === null || shape[rank - 1 - i] >= 8);
}

function numbersField(input) {
  const area = node("textarea");
  area.setAttribute("aria-label", input.name);
  area.spellcheck = false;
  area.value = example(input);
  return {
    elements: [area],
    value: () => {
      try {
        return JSON.parse(area.value);
      } catch (error) {
        throw new Error(`${input.name}: ${error.message}`);
      }
    },
  };
}

// Zeros of the input's shape, one of each extent that may be any.
function example({dtype, shape}) {
  const extents = (shape ?? [null]).map((extent) => extent ?? 1);
  const zero = dtype === "bool" ? false : 0;
  if (extents.reduce((a, b) => a * b, 1) > PREFILLED) return "";
  return JSON.stringify(extents.reduceRight((inner, extent) => Array(extent).fill(inner), zero));
}

function textField(input) {
  const area = node("textarea");
  area.setAttribute("aria-label", input.name);
  area.placeholder = "Text; a list of texts as JSON; or drop a file here";
  let file = null;
  accept(area, async (dropped) => {
    file = await base64(dropped);
    area.value = dropped.name;
  });
  area.addEventListener("input", () => (file = null));
  return {
    elements: [area],
    value: () => {
      const listed = file ? file : /^\s*\[/.test(area.value) ? tryJson(area.value) : area.value;
      if (Array.isArray(listed)) return listed;
      return (input.shape ?? [null]).reduce((inner) => [inner], listed);
    },
  };
}

function tryJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function imageField(input) {
  const rank = input.shape.length;
  const [height, width, channels] = input.shape.slice(-3);
  const drop = node("label", "drop");
  const picker = node("input");
  picker.type = "file";
  picker.accept = "image/*";
  picker.setAttribute("aria-label", input.name);
  const canvas = node("canvas");
  [canvas.width, canvas.height] = [width ?? 64, height ?? 64];
  const size = height && width ? ` of ${width} × ${height}` : "";
  const words = node("span", "", `Drop an image here, or click to choose one. It is sent as ${CHANNELS[channels]}${size}.`);
  drop.append(picker, canvas, words);
  const scale = node("select");
  for (const text of Object.keys(SCALES)) scale.append(new Option(text));
  const scaled = node("label", "", "Pixels from ");
  scaled.append(scale);
  let has = false;
  const show = async (file) => {
    const picture = await createImageBitmap(file);
    [canvas.width, canvas.height] = [width ?? picture.width, height ?? picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    words.textContent = `${file.name}, ${canvas.width} × ${canvas.height}`;
    has = true;
  };
  accept(drop, show);
  picker.addEventListener("change", () => picker.files[0] && show(picker.files[0]));
  const isFloat = input.dtype.includes("float");
  return {
    elements: isFloat ? [drop, scaled] : [drop],
    value: () => {
      if (!has) throw new Error(`${input.name}: there is no image yet.`);
      const [factor, offset] = isFloat ? SCALES[scale.value] : [1, 0];
      const rows = pixels(canvas, channels, factor, offset);
      return rank === 4 ? [rows] : rows;
    },
  };
}

function pixels(canvas, channels, factor, offset) {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const of = (at) => {
    const [r, g, b, a] = data.subarray(at, at + 4);
    const found = channels === 1 ? [Math.round(0.299 * r + 0.587 * g + 0.114 * b)] : [r, g, b, a].slice(0, channels);
    return factor === 1 ? found : found.map((v) => Number((v * factor + offset).toPrecision(7)));
  };
  return Array.from({length: canvas.height}, (_, y) =>
    Array.from({length: canvas.width}, (_, x) => of(4 * (y * canvas.width + x))));
}

function accept(element, take) {
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}

async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return {b64: btoa(text)};
}

export function node(tag, kind = "", text = "") {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text) made.textContent = text;
  return made;
}
