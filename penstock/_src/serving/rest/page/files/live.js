// Rates and quantiles of the last seconds, from histograms that only grow.

const POINTS = 120; // one a second
const WINDOW = 10; // seconds that a rate or quantile is of

export class Live {
  constructor() {
    this.samples = []; // {time, latency, phases}
    this.points = []; // {median, slowest}, or null where nothing was asked
  }

  // Adds what the server counted so far; returns the figures of the last seconds.
  add(time, model, latencyBounds, phaseBounds) {
    this.samples.push({time, latency: model.latency, phases: model.phases});
    while (this.samples.length > 2 && time - this.samples[0].time > WINDOW * 1000) this.samples.shift();
    const first = this.samples[0];
    const seconds = (time - first.time) / 1000;
    const counts = difference(model.latency, first.latency);
    const total = sum(counts);
    const figures = {
      rate: seconds > 0 ? total / seconds : 0,
      median: quantile(counts, latencyBounds, 0.5) / 1e6,
      slowest: quantile(counts, latencyBounds, 0.99) / 1e6,
      phases: {},
    };
    for (const [phase, numbers] of Object.entries(model.phases)) {
      figures.phases[phase] = quantile(difference(numbers, first.phases[phase]), phaseBounds, 0.5);
    }
    this.points.push(total ? {median: figures.median, slowest: figures.slowest} : null);
    if (this.points.length > POINTS) this.points.shift();
    return figures;
  }

  // The lines of a chart with a logarithmic scale, as [x, y] in 0..1 from the lower left, and the seconds at its ends, powers of ten.
  lines() {
    const there = this.points.filter((point) => point);
    const low = Math.floor(Math.log10(Math.min(...there.map((point) => point.median), 1e-3)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...there.map((point) => point.slowest), 1e-3))));
    const line = (key) => {
      const found = [];
      this.points.forEach((point, at) => {
        const x = (at + POINTS - this.points.length) / (POINTS - 1);
        if (point) found.push([x, (Math.log10(point[key]) - low) / (high - low)]);
      });
      return found;
    };
    return {low: 10 ** low, high: 10 ** high, median: line("median"), slowest: line("slowest")};
  }
}

// The counts of a histogram, without those of an earlier one; the last number of each is the sum of values.
function difference(now, before) {
  return now.slice(0, -1).map((count, at) => count - (before && before.length ? before[at] : 0));
}

function sum(counts) {
  return counts.reduce((a, b) => a + b, 0);
}

// A quantile, between the bounds of the bucket that it is in; NaN if there is nothing.
export function quantile(counts, bounds, part) {
  const total = sum(counts);
  if (!total) return NaN;
  let left = part * total;
  for (let at = 0; at < counts.length; at++) {
    if (left <= counts[at] && counts[at]) {
      const low = at ? bounds[at - 1] : 0;
      const high = at < bounds.length ? bounds[at] : low;
      return low + ((high - low) * left) / counts[at];
    }
    left -= counts[at];
  }
  return bounds[bounds.length - 1];
}

export function seconds(value) {
  if (!Number.isFinite(value)) return "–";
  if (value < 1e-3) return `${rounded(value * 1e6)} µs`;
  if (value < 1) return `${rounded(value * 1e3)} ms`;
  return `${rounded(value)} s`;
}

function rounded(value) {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(2));
}
