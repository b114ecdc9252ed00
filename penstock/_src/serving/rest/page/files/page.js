// Draws the server's models, looks at them every second, and sends what the form holds.

import {fieldFor, node} from "./inputs.js";
import {Live, seconds} from "./live.js";

const CARDS = new Map(); // by the names of models
const BARS = 5; // of a vector's largest numbers
const find = (selector, within = document) => within.querySelector(selector);
let key = "";

function headers(more = {}) {
  return key ? {...more, authorization: `Bearer ${key}`} : more;
}

async function look() {
  try {
    const reply = await fetch("/page/state", {headers: headers()});
    find("#access").hidden = reply.status !== 401 && !key;
    const found = await reply.json();
    if (!reply.ok) throw new Error(found.error);
    show(found);
    problem("");
  } catch (error) {
    problem(`The server does not answer: ${error.message}`);
  }
  setTimeout(look, document.hidden ? 5000 : 1000);
}

function problem(text) {
  find("#problem").textContent = text;
  find("#problem").hidden = !text;
}

function show(state) {
  const {processes, requests, resident_bytes} = state.server;
  const parts = [`${state.models.length} ${state.models.length === 1 ? "model" : "models"}`];
  if (processes > 1) parts.push(`${processes} processes`);
  if (resident_bytes) parts.push(`${Math.round(resident_bytes / 2 ** 20)} MiB`);
  parts.push(`${requests} ${requests === 1 ? "request" : "requests"} now`);
  find("#server").textContent = parts.join(" · ");
  find("nav").hidden = !state.metrics_path;
  find("nav a").href = state.metrics_path;
  const now = performance.now();
  for (const model of state.models) {
    if (!CARDS.has(model.name)) CARDS.set(model.name, new Card(model.name));
    CARDS.get(model.name).show(model, now, state);
  }
  for (const [name, card] of CARDS) {
    if (!state.models.some((model) => model.name === name)) {
      card.element.remove();
      CARDS.delete(name);
    }
  }
}

class Card {
  constructor(name) {
    this.name = name;
    this.live = new Live();
    this.drawn = "";
    this.element = find("#model").content.cloneNode(true).firstElementChild;
    this.element.dataset.model = name;
    this.at = (selector) => find(selector, this.element);
    this.at("h2").textContent = name;
    this.at(".version").addEventListener("change", () => this.chooseVersion());
    this.at(".signature").addEventListener("change", () => this.chooseSignature());
    this.at(".try").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    find("#models").append(this.element);
  }

  show(model, now, state) {
    this.showLive(model, this.live.add(now, model, state.latency_bounds, state.phase_bounds));
    const described = JSON.stringify(model.versions);
    if (described === this.drawn) return; // what is typed in stays
    this.drawn = described;
    this.versions = model.versions;
    this.at(".versions").replaceChildren(...model.versions.map(badge));
    const chosen = this.at(".version").value;
    const usable = model.versions.filter((version) => version.signatures.length);
    this.at(".version").replaceChildren(...usable.map((version) => new Option(version.number)));
    if (usable.some((version) => String(version.number) === chosen)) this.at(".version").value = chosen;
    this.at(".try").hidden = !usable.length;
    this.chooseVersion();
  }

  showLive(model, figures) {
    const perSecond = figures.rate >= 100 ? Math.round(figures.rate) : Number(figures.rate.toPrecision(2));
    this.at(".rate").textContent = `${perSecond}/s`;
    this.at(".median").textContent = seconds(figures.median);
    this.at(".slowest").textContent = seconds(figures.slowest);
    this.at(".phases").textContent = Object.values(figures.phases).map(seconds).join(" · ");
    this.at(".errors").textContent = model.errors;
    const lines = this.live.lines();
    this.at(".scale").textContent = `from ${seconds(lines.low)} to ${seconds(lines.high)}, by powers of ten`;
    this.at(".chart").replaceChildren(polyline(lines.slowest, "of-slowest"), polyline(lines.median, "of-median"));
  }

  chooseVersion() {
    this.version = this.versions.find((version) => String(version.number) === this.at(".version").value);
    if (!this.version) return this.at(".signatures").replaceChildren();
    this.at(".signatures").replaceChildren(table(this.version.signatures));
    if (this.version.generates) this.at(".signatures").prepend(chatLink(this.name));
    const chosen = this.at(".signature").value;
    const callable = this.version.signatures.filter((each) => !each.refusal && each.kind === "predict");
    this.at(".signature").replaceChildren(...callable.map((each) => new Option(each.name)));
    const names = callable.map((each) => each.name);
    this.at(".signature").value = [chosen, "serving_default", names[0]].find((name) => names.includes(name)) ?? "";
    this.chooseSignature();
  }

  chooseSignature() {
    this.signature = this.version.signatures.find((each) => each.name === this.at(".signature").value);
    this.fields = (this.signature?.inputs ?? []).map(fieldFor);
    this.at(".fields").replaceChildren(...this.fields.map((field) => field.element));
    this.at("button").disabled = !this.signature;
    this.at(".answer").hidden = this.at(".command").hidden = true;
    this.at(".took").textContent = "";
  }

  async send() {
    const {answer, took, command, button} = {
      answer: this.at(".answer"), took: this.at(".took"), command: this.at(".command"), button: this.at("button"),
    };
    button.disabled = true;
    try {
      const values = this.fields.map((field, at) => [this.signature.inputs[at].name, field.value()]);
      const body = JSON.stringify({signature_name: this.signature.name, inputs: Object.fromEntries(values)});
      const path = `/v1/models/${encodeURIComponent(this.name)}/versions/${this.version.number}:predict`;
      const began = performance.now();
      const reply = await fetch(path, {method: "POST", body, headers: headers({"content-type": "application/json"})});
      const text = await reply.text();
      took.textContent = seconds((performance.now() - began) / 1000);
      find("pre", command).textContent = curl(path, body);
      command.hidden = false;
      answer.classList.toggle("failed", !reply.ok);
      answer.replaceChildren(...(reply.ok ? shown(text, this.signature) : [node("pre", "", errorOf(text))]));
    } catch (error) {
      took.textContent = "";
      answer.classList.add("failed");
      answer.replaceChildren(node("pre", "", error.message));
    }
    answer.hidden = false;
    button.disabled = false;
  }
}

function badge(version) {
  const text = [`version ${version.number}`, ...version.labels, version.state.toLowerCase()];
  const made = node("span", `badge ${version.error ? "failed" : version.state}`, text.join(" · "));
  if (version.error) made.title = version.error;
  return made;
}

function chatLink(name) {
  const made = node("p");
  const link = node("a", "", "Talk to it");
  link.href = `/v1/models/${encodeURIComponent(name)}/chat`;
  made.append(link);
  return made;
}

function polyline(points, kind) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  made.setAttribute("class", kind);
  made.setAttribute("points", points.map(([x, y]) => `${x * 600},${88 - y * 84}`).join(" "));
  return made;
}

function table(signatures) {
  const made = node("table");
  const row = (cell, texts) => {
    const line = node("tr");
    line.append(...texts.map((text) => (text instanceof Node ? text : node(cell, "", text))));
    return line;
  };
  made.append(row("th", ["Signature", "Inputs", "Outputs"]));
  for (const each of signatures) {
    const name = each.kind === "predict" ? each.name : `${each.name} (${each.kind})`;
    made.append(row("td", [name, tensors(each.inputs), tensors(each.outputs)]));
  }
  return made;
}

function tensors(infos) {
  const cell = node("td");
  for (const {name, dtype, shape} of infos) {
    const extents = shape ? `[${shape.map((extent) => extent ?? "any").join(", ")}]` : "any shape";
    const line = node("div");
    line.append(node("code", "", name), ` ${dtype} ${extents}`);
    cell.append(line);
  }
  return cell;
}

function errorOf(text) {
  try {
    return JSON.parse(text).error ?? text;
  } catch {
    return text;
  }
}

// Bars of the largest numbers where the answer has one vector, and the answer itself.
function shown(text, signature) {
  const elements = [];
  let pretty = text;
  try {
    const {outputs} = JSON.parse(text);
    const named = signature.outputs.length === 1 ? {[signature.outputs[0].name]: outputs} : outputs;
    for (const [name, value] of Object.entries(named)) {
      if (isScores(value)) elements.push(bars(name, value[0]));
    }
    pretty = Object.entries(named).map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join("\n");
  } catch {
    pretty = text; // numbers that are not finite are no JSON
  }
  return [...elements, node("pre", "", pretty)];
}

function isScores(value) {
  return Array.isArray(value) && value.length === 1 && Array.isArray(value[0]) && value[0].length > 1
    && value[0].every((number) => typeof number === "number" && number >= 0 && number <= 1);
}

function bars(name, scores) {
  const made = node("div", "bars");
  const largest = scores.map((score, at) => [score, at]).sort((a, b) => b[0] - a[0]).slice(0, BARS);
  for (const [score, at] of largest) {
    const bar = node("progress");
    bar.value = score;
    bar.setAttribute("aria-label", `${name} ${at}`);
    made.append(node("span", "", `${name}[${at}]`), bar, node("span", "", score.toFixed(4)));
  }
  return made;
}

function curl(path, body) {
  const quoted = `'${body.replaceAll("'", "'\\''")}'`;
  const data = body.length > 2000 ? "@request.json" : quoted;
  return `curl -d ${data} ${location.origin}${path}`;
}

find("#access").addEventListener("submit", (event) => {
  event.preventDefault();
  key = find("#access input").value;
});
look();
