// A sheet on which one draws a distribution, and a reader of two columns of a CSV.

import { colour, context } from "./plane.js";

const REACH = 2;
const SPRAY = 0.05;
const POINTS = 2000;

/** The points of a drawing: those under the brush, spread a little, 2,000 of them; null when it was given up. */
export function drawn() {
  const dialog = document.getElementById("pad");
  const paper = document.getElementById("paper");
  let strokes = [];
  let brush = [0, 0];
  let down = false;

  const show = () => {
    const { drawing, width } = context(paper);
    const place = (value) => ((value + REACH) / (2 * REACH)) * width;
    drawing.fillStyle = colour("real");
    for (const [x, y] of strokes) drawing.fillRect(place(x) - 2, width - place(y) - 2, 4, 4);
    drawing.strokeStyle = colour("fake");
    drawing.strokeRect(place(brush[0]) - 5, width - place(brush[1]) - 5, 10, 10);
    paper.setAttribute("aria-label", `Drawing of ${strokes.length} points`);
  };
  const at = (event) => {
    const box = paper.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * 2 * REACH - REACH,
      REACH - ((event.clientY - box.top) / box.height) * 2 * REACH,
    ];
  };
  const move = (event) => {
    brush = at(event);
    if (down) strokes.push(brush);
    show();
  };
  const press = (event) => {
    down = true;
    paper.setPointerCapture(event.pointerId);
    move(event);
  };
  const key = (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (step) brush = brush.map((value, axis) => Math.max(-REACH, Math.min(REACH, value + step[axis])));
    else if (event.key === " ") strokes.push([...brush]);
    else return;
    event.preventDefault();
    show();
  };
  const lift = () => { down = false; };

  return new Promise((resolve) => {
    const end = (points) => {
      for (const [name, listener] of listeners) paper.removeEventListener(name, listener);
      dialog.close();
      resolve(points);
    };
    const listeners = [["pointerdown", press], ["pointermove", move], ["pointerup", lift], ["pointercancel", lift], ["keydown", key]];
    for (const [name, listener] of listeners) paper.addEventListener(name, listener);
    document.getElementById("clear").onclick = () => { strokes = []; show(); };
    document.getElementById("cancel").onclick = () => end(null);
    dialog.oncancel = () => end(null);
    document.getElementById("use").onclick = () => end(strokes.length ? sprayed(strokes) : null);
    dialog.showModal();
    show();
  });
}

/** As many points as a training wants, near the given ones; the same drawing gives the same. */
function sprayed(strokes) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: POINTS }, (_, index) =>
    strokes[index % strokes.length].map((value) => value + SPRAY * (random() + random() - 1)),
  );
}

/** The first two columns of numbers in a text of rows. */
export function columns(text) {
  const rows = text.replace(/^\uFEFF/, "").split(/\r?\n/).filter((row) => row.trim());
  const separator = [";", "\t", ","].find((mark) => rows.length && rows[Math.min(1, rows.length - 1)].includes(mark));
  if (!separator) throw new Error("the file must have two columns of numbers");
  const number = (cell) => {
    const plain = separator === ";" ? cell.replace(",", ".") : cell;
    return plain.trim() === "" ? NaN : Number(plain);
  };
  const table = rows.map((row) => row.split(separator).map(number));
  const width = Math.max(...table.map((row) => row.length));
  const share = (column) => table.filter((row) => Number.isFinite(row[column])).length / table.length;
  const chosen = [...Array(width).keys()].filter((column) => share(column) > 0.5).slice(0, 2);
  if (chosen.length < 2) throw new Error("the file must have two columns of numbers");
  return table.map((row) => chosen.map((column) => row[column])).filter((point) => point.every(Number.isFinite));
}
