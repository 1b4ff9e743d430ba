// The data_visualization block as a drawing: lines, areas, bars or a pie, with axis, legend and a
// description for those who do not see it.

import { el, svg } from "./dom.js";

const WIDTH = 560;
const HEIGHT = 190;
const PAD = { left: 46, right: 12, top: 10, bottom: 26 };
const COLOURS = 6;

export function compact(value) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

export function chartBlock(block) {
  const chart = block.chart ?? {};
  const figure = el("figure", { class: "chart" }, el("figcaption", {}, block.title ?? ""));
  if (chart.type === "pie") figure.append(pieTable(chart.segments ?? []));
  else figure.append(axisChart(chart, block.title ?? ""), legend(chart.series ?? []));
  return figure;
}

function pieTable(segments) {
  const total = segments.reduce((sum, segment) => sum + segment.value, 0) || 1;
  return el("ul", { class: "pie" }, segments.map((segment, index) => {
    const share = Math.round((100 * segment.value) / total);
    const bar = el("span", { class: `bar s${index % COLOURS}` });
    bar.style.width = `${share}%`;
    return el("li", {}, el("span", {}, `${segment.label} ${share} %`), bar);
  }));
}

function legend(series) {
  return el("ul", { class: "legend" }, series.map((one, index) =>
    el("li", {}, el("span", { class: `swatch s${index % COLOURS}` }), one.name)));
}

function axisChart(chart, title) {
  const categories = chart.axis_config?.categories ?? [];
  const series = (chart.series ?? []).map((one) => valuesOf(one, categories));
  const top = niceTop(Math.max(0, ...series.flat()));
  const scale = scales(categories.length, top, chart.type === "bar");
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": spoken(chart, title) });
  drawing.append(...gridLines(scale, top), ...categoryLabels(categories, scale));
  series.forEach((values, index) => drawing.append(...drawn(chart.type, values, index, { scale, count: series.length })));
  return drawing;
}

function valuesOf(one, categories) {
  const byLabel = new Map((one.data ?? []).map((point) => [point.label, Number(point.value)]));
  return categories.map((label) => byLabel.get(label) ?? 0);
}

// The next 1, 2, 2.5 or 5 times a power of ten.
function niceTop(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= most);
}

function scales(count, top, inBands) {
  const inner = WIDTH - PAD.left - PAD.right;
  const band = inner / Math.max(1, count);
  const step = inBands ? band : inner / Math.max(1, count - 1);
  return {
    band,
    x: (index) => PAD.left + (inBands ? band * (index + 0.5) : step * index),
    y: (value) => HEIGHT - PAD.bottom - (value / top) * (HEIGHT - PAD.top - PAD.bottom),
  };
}

function gridLines(scale, top) {
  return [0, 0.5, 1].flatMap((share) => {
    const y = scale.y(share * top);
    const label = svg("text", { x: PAD.left - 8, y: y + 4, "text-anchor": "end" });
    label.textContent = compact(share * top);
    return [svg("line", { x1: PAD.left, x2: WIDTH - PAD.right, y1: y, y2: y, class: "grid" }), label];
  });
}

function categoryLabels(categories, scale) {
  const every = Math.max(1, Math.ceil(categories.length / 6));
  return categories.flatMap((category, index) => {
    if (index % every !== 0) return [];
    const anchor = index === 0 ? "start" : "middle";
    const label = svg("text", { x: scale.x(index), y: HEIGHT - 8, "text-anchor": anchor });
    label.textContent = category;
    return [label];
  });
}

function drawn(kind, values, index, { scale, count }) {
  const colour = `s${index % COLOURS}`;
  if (kind === "bar") return bars(values, index, { scale, count, colour });
  const points = values.map((value, at) => `${scale.x(at).toFixed(1)},${scale.y(value).toFixed(1)}`);
  const line = svg("polyline", { points: points.join(" "), class: `line ${colour}` });
  if (kind !== "area") return [line];
  const floor = scale.y(0).toFixed(1);
  const outline = [`${scale.x(0).toFixed(1)},${floor}`, ...points, `${scale.x(values.length - 1).toFixed(1)},${floor}`];
  return [svg("polygon", { points: outline.join(" "), class: `area ${colour}` }), line];
}

function bars(values, index, { scale, count, colour }) {
  const width = (scale.band * 0.7) / count;
  return values.map((value, at) => svg("rect", {
    x: scale.x(at) - scale.band * 0.35 + index * width,
    y: scale.y(value),
    width,
    height: Math.max(0, scale.y(0) - scale.y(value)),
    class: `bar ${colour}`,
  }));
}

function spoken(chart, title) {
  const parts = (chart.series ?? []).map((one) => {
    const values = (one.data ?? []).map((point) => Number(point.value));
    const last = values.at(-1) ?? 0;
    return `${one.name}: from ${compact(values[0] ?? 0)} to ${compact(last)}, at most ${compact(Math.max(0, ...values))}`;
  });
  return `${title}. ${parts.join(". ")}`;
}
