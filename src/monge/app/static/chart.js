// Curves over the steps, each named at its end; and a histogram.

import { colour, context } from "./plane.js";

const STYLES = [["fake", []], ["tone", [6, 4]], ["soft", [2, 3]]];
const FRAME = { left: 52, right: 108, top: 10, bottom: 24 };

/** Draws curves: { name, values: [[step, value], ...] }; steps and values are told at the ends of the axes. */
export function drawCurves(canvas, curves) {
  const { drawing, width, height } = context(canvas);
  const all = curves.flatMap((curve) => curve.values);
  if (all.length < 2) return;
  const steps = all.map(([step]) => step);
  const values = all.map(([, value]) => value);
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  let [low, high] = [Math.min(...values, 0), Math.max(...values, 0)];
  if (high - low < 1e-9) high = low + 1;
  const x = (step) => FRAME.left + ((step - first) / Math.max(last - first, 1)) * (width - FRAME.left - FRAME.right);
  const y = (value) => FRAME.top + ((high - value) / (high - low)) * (height - FRAME.top - FRAME.bottom);
  axes(drawing, { x, y, first, last, low, high, width, height });
  const ends = curves
    .map((curve, index) => ({ ...curve, style: STYLES[index % STYLES.length] }))
    .filter((curve) => curve.values.length)
    .map((curve) => ({ ...curve, at: y(curve.values[curve.values.length - 1][1]) }))
    .sort((a, b) => a.at - b.at);
  const places = apart(ends.map((curve) => curve.at), height - FRAME.bottom);
  ends.forEach(({ name, values: points, style }, place) => {
    const [ink, dash] = style;
    drawing.strokeStyle = colour(ink);
    drawing.lineWidth = 1.6;
    drawing.setLineDash(dash);
    drawing.beginPath();
    points.forEach(([step, value], index) => drawing[index ? "lineTo" : "moveTo"](x(step), y(value)));
    drawing.stroke();
    drawing.setLineDash([]);
    drawing.fillStyle = colour(ink);
    drawing.textAlign = "left";
    drawing.fillText(name, width - FRAME.right + 6, places[place] + 4);
  });
}

// Rising places moved so far apart that names at them can be read, none of them beyond the end.
function apart(places, end) {
  const down = [];
  for (const place of places) down.push(Math.max(place, (down.at(-1) ?? -Infinity) + 13));
  return down.map((place, index) => Math.min(place, end - 13 * (down.length - 1 - index)));
}

function axes(drawing, { x, y, first, last, low, high, width, height }) {
  drawing.font = "12px system-ui, sans-serif";
  drawing.strokeStyle = colour("line");
  drawing.fillStyle = colour("soft");
  drawing.lineWidth = 1;
  drawing.beginPath();
  for (const value of [low, 0, high]) {
    drawing.moveTo(FRAME.left, y(value));
    drawing.lineTo(width - FRAME.right, y(value));
  }
  drawing.stroke();
  drawing.textAlign = "right";
  for (const value of [low, high]) drawing.fillText(short(value), FRAME.left - 5, y(value) + 4);
  drawing.textAlign = "left";
  drawing.fillText(`step ${first}`, FRAME.left, height - 5);
  drawing.textAlign = "right";
  if (last > first) drawing.fillText(String(last), x(last), height - 5);
}

/** Draws counts as bars between two ends. */
export function drawHistogram(canvas, counts, reach) {
  const { drawing, width, height } = context(canvas);
  const most = Math.max(...counts, 1);
  const [left, foot] = [8, height - 18];
  const bar = (width - 2 * left) / counts.length;
  drawing.fillStyle = colour("tone");
  counts.forEach((count, index) => {
    const tall = (count / most) * (foot - 6);
    drawing.fillRect(left + index * bar, foot - tall, Math.max(bar - 1, 1), tall);
  });
  drawing.fillStyle = colour("soft");
  drawing.font = "12px system-ui, sans-serif";
  drawing.textAlign = "left";
  drawing.fillText(short(-reach), left, height - 4);
  drawing.textAlign = "center";
  drawing.fillText("the critic's weights", width / 2, height - 4);
  drawing.textAlign = "right";
  drawing.fillText(short(reach), width - left, height - 4);
}

/** A number in three digits. */
export function short(value) {
  if (value === null || value === undefined) return "infinite";
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e5 || size < 1e-3)) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}
