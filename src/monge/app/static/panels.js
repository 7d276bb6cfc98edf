// One panel for each objective: its plane, its curves, its weights, and what was measured.

import { drawCurves, drawHistogram, short } from "./chart.js";
import { drawPlane, steepest } from "./plane.js";

const KEY = {
  real: "circles: real",
  generated: "triangles: generated",
  slope: "colour: length of the gradient, blue below 1, orange above; thick line 1, dashes 1/2, dots 2",
  surface: "colour and lines: the critic's values, orange high",
  coupling: "grey lines: the exact coupling with held-out points",
  warp: "blue net: a square grid of latent numbers",
  arrows: "arrows: where the loss sends generated points, as long as its slope",
};

export class Panels {
  constructor(stage) {
    this.stage = stage;
    this.all = [];
  }

  /** A panel for each objective; those of another number or order are made anew. */
  prepare(objectives) {
    if (this.all.length === objectives.length) {
      this.all.forEach((panel, index) => { panel.title.textContent = objectives[index]; });
      return;
    }
    this.all = objectives.map((objective) => made(objective));
    this.stage.replaceChildren(...this.all.map((panel) => panel.element));
    this.stage.parentElement.dataset.panels = this.all.length;
  }

  /** Draws a frame, with the curves up to it. */
  draw(scene, frames, index, shown) {
    const { header, arrays } = frames[index];
    header.sides.forEach((side, number) => {
      const panel = this.all[number];
      if (!panel) return;
      const get = (name) => arrays[`${number}.${name}`];
      drawPlane(panel.plane, scene, get, shown);
      panel.plane.setAttribute("aria-label", said(side));
      panel.failed.textContent = side.failed ?? "";
      panel.failed.hidden = !side.failed;
      figures(panel.figures, side, shown, get("arrows"));
      const parts = Object.keys(KEY).filter((name) => shown[name] && !(name === "surface" && shown.slope));
      panel.key.textContent = parts.map((name) => KEY[name]).join("; ");
      panel.chart.hidden = !shown.losses;
      if (shown.losses) drawCurves(panel.chart, curves(frames.slice(0, index + 1), number, shown));
      panel.histogram.hidden = !(shown.weights && get("weights"));
      if (!panel.histogram.hidden) drawHistogram(panel.histogram, get("weights"), get("weights_reach")[0]);
    });
  }
}

function made(objective) {
  const part = (name, kind, parent) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    parent?.append(element);
    return element;
  };
  const element = part("section", "panel");
  element.setAttribute("aria-label", objective);
  const title = part("h2", "", element);
  title.textContent = objective;
  const failed = part("p", "failed", element);
  failed.hidden = true;
  const [plane, chart, histogram] = ["plane", "chart", "histogram"].map((kind) => part("canvas", kind, element));
  for (const [canvas, label] of [[plane, "Plane"], [chart, "Curves over the steps"], [histogram, "Histogram of the critic's weights"]]) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
  }
  const found = part("dl", "", element);
  const key = part("p", "key", element);
  return { element, title, failed, plane, chart, histogram, figures: found, key };
}

/** What a frame shows, in words. */
function said(side) {
  const found = side.distances;
  const far = found ? `; excess ${short(found.excess)}` : "";
  return `Plane after ${side.step} steps${far}`;
}

function figures(list, side, shown, slopes) {
  const rows = [["step", side.phase === "step" ? side.step : `${side.step}, ${side.phase}`]];
  if (shown.losses) for (const [name, value] of Object.entries(side.terms)) rows.push([name.replace("_", " "), short(value)]);
  if (shown.arrows && slopes) rows.push(["steepest arrow", short(steepest(slopes))]);
  const found = shown.distances ? side.distances : null;
  if (found) {
    rows.push(["W1: lower", short(found.lower)], ["upper", short(found.upper)], ["floor", short(found.floor)]);
    rows.push(["excess", short(found.excess)], ["KL(real, generated)", short(found.kl)], ["JS (at most .693)", short(found.js)]);
    if (found.of_modes) rows.push(["modes covered", `${found.modes} of ${found.of_modes}`]);
  }
  list.replaceChildren(
    ...rows.map(([name, value]) => {
      const pair = document.createElement("div");
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = name;
      text.textContent = value;
      pair.append(term, text);
      return pair;
    }),
  );
}

/** The critic's loss, turned so that it falls as a distance does, and the measured ends. */
function curves(frames, number, shown) {
  const values = (get) =>
    frames
      .map(({ header }) => [header.sides[number]?.step, get(header.sides[number])])
      .filter(([step, value]) => step !== undefined && Number.isFinite(value));
  const found = [{ name: "- critic loss", values: values((side) => -side?.terms.critic_loss) }];
  if (shown.distances) {
    found.push({ name: "W1 upper", values: values((side) => side?.distances?.upper) });
    found.push({ name: "floor", values: values((side) => side?.distances?.floor) });
  }
  return found;
}
