// Curves of several runs on one chart: told apart by colour, by dashes and by marks.

import { short } from "./chart.js";
import { colour, context } from "./plane.js";

const STYLES = [
  ["tone", [], "circle"],
  ["fake", [7, 4], "triangle"],
  ["good", [2, 3], "square"],
  ["warn", [10, 3, 2, 3], "diamond"],
  ["ink", [], "cross"],
  ["tone", [7, 4], "square"],
  ["fake", [2, 3], "circle"],
  ["good", [10, 3, 2, 3], "triangle"],
];
const FRAME = { left: 52, right: 16, top: 12, bottom: 24 };
const MARKS = 7;

/** Draws curves: { place, points: [[step, value], ...] }, of which the place says how each looks. */
export function drawRuns(canvas, curves) {
  const { drawing, width, height } = context(canvas);
  const all = curves.flatMap((curve) => curve.points);
  if (!all.length) return;
  const last = all.reduce((most, [step]) => Math.max(most, step), 1);
  let [low, high] = [0, 0];
  for (const [, value] of all) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (high - low < 1e-9) high = low + 1;
  const x = (step) => FRAME.left + (step / last) * (width - FRAME.left - FRAME.right);
  const y = (value) => FRAME.top + ((high - value) / (high - low)) * (height - FRAME.top - FRAME.bottom);
  axes(drawing, { x, y, last, low, high, width, height });
  for (const { place, points } of curves) line(drawing, points.map(([step, value]) => [x(step), y(value)]), place);
}

/** A sample of how a run is drawn. */
export function drawKey(canvas, place) {
  const { drawing, width, height } = context(canvas);
  line(drawing, [[2, height / 2], [width / 2, height / 2], [width - 2, height / 2]], place, [1]);
}

function line(drawing, points, place, marked = even(points.length)) {
  const [ink, dash, shape] = STYLES[place % STYLES.length];
  drawing.strokeStyle = colour(ink);
  drawing.fillStyle = colour(ink);
  drawing.lineWidth = 1.8;
  drawing.setLineDash(dash);
  drawing.beginPath();
  points.forEach(([across, down], index) => drawing[index ? "lineTo" : "moveTo"](across, down));
  drawing.stroke();
  drawing.setLineDash([]);
  for (const index of marked) mark(drawing, shape, ...points[index]);
}

/** Some places of a curve, its end among them. */
function even(count) {
  const some = Math.min(count, MARKS);
  return Array.from({ length: some }, (none, index) => count - 1 - Math.floor((index * count) / some));
}

function mark(drawing, shape, x, y) {
  drawing.beginPath();
  if (shape === "circle") drawing.arc(x, y, 4, 0, 2 * Math.PI);
  else if (shape === "square") drawing.rect(x - 3.6, y - 3.6, 7.2, 7.2);
  else if (shape === "cross") {
    for (const [dx, dy] of [[4, 4], [4, -4]]) {
      drawing.moveTo(x - dx, y - dy);
      drawing.lineTo(x + dx, y + dy);
    }
    drawing.stroke();
    return;
  } else {
    const corners = { triangle: [[0, -5], [4.6, 3.6], [-4.6, 3.6]], diamond: [[0, -5], [5, 0], [0, 5], [-5, 0]] }[shape];
    corners.forEach(([dx, dy], index) => drawing[index ? "lineTo" : "moveTo"](x + dx, y + dy));
  }
  drawing.fill();
}

function axes(drawing, { x, y, last, low, high, width, height }) {
  drawing.font = "12px system-ui, sans-serif";
  drawing.strokeStyle = colour("line");
  drawing.fillStyle = colour("soft");
  drawing.lineWidth = 1;
  const levels = low < 0 && high > 0 && Math.min(high, -low) > 0.12 * (high - low) ? [low, 0, high] : [low, high];
  drawing.beginPath();
  for (const value of [low, 0, high]) {
    drawing.moveTo(FRAME.left, y(value));
    drawing.lineTo(width - FRAME.right, y(value));
  }
  drawing.stroke();
  drawing.textAlign = "right";
  for (const value of levels) drawing.fillText(short(value), FRAME.left - 7, y(value) + 4);
  drawing.fillText(last.toLocaleString("en"), x(last), height - 6);
  drawing.textAlign = "left";
  drawing.fillText("step 0", FRAME.left, height - 6);
}
