// The runs in a folder, and what the chosen ones have in common and what not.

import { drawKey, drawRuns } from "./curves.js";
import { element, facts, progress, status, subject } from "./run.js";
import { ask, notice } from "./request.js";

const TERMS = { excess: "Excess: upper, less what chance alone makes", upper: "Upper estimate of the distance", critic_loss: "Critic loss" };
const SHORT = { excess: "Excess", upper: "Upper estimate", critic_loss: "Critic loss" };
const MOST = 8;
const EVERY = 5000;

const $ = (id) => document.getElementById(id);
const cards = new Map();
const series = new Map();
let chosen = [];
let terms = ["excess"];
let source = null;
let failed = false;

function card(name) {
  const box = element("input", { type: "checkbox", id: `run-${cards.size}` });
  box.onchange = () => choose(name, box.checked);
  const body = element("div", { className: "facts" });
  const picture = element("div");
  const article = element("article", { className: "run" }, [box, body, picture]);
  return { article, box, body, picture, drawn: undefined, said: undefined };
}

function show(run) {
  const kept = cards.get(run.name) ?? card(run.name);
  cards.set(run.name, kept);
  const said = JSON.stringify({ ...run, silent: undefined });
  if (said === kept.said) return kept.article;
  kept.said = said;
  kept.box.setAttribute("aria-label", `Choose ${run.shown}`);
  const link = element("a", { href: `/runs/${address(run.name)}`, textContent: run.shown });
  const title = element("h2", {}, run.problem ? [run.shown] : [link]);
  kept.body.replaceChildren(title, ...(run.problem ? [element("p", { className: "problem", textContent: run.problem })] : described(run)));
  if (kept.drawn !== run.picture || run.problem) thumbnail(kept, run);
  return kept.article;
}

function described(run) {
  const lines = [element("p", {}, [status(run), " ", progress(run)])];
  lines.push(element("p", { textContent: subject(run) }));
  const [first, ...others] = facts(run.bracket);
  if (!first) lines.push(element("p", { className: "soft", textContent: "no bracket measured yet" }));
  else {
    lines.push(element("p", { className: "excess" }, ["excess ", element("b", { textContent: first[1] })]));
    lines.push(element("p", { className: "soft", textContent: others.map(([what, value]) => `${what} ${value}`).join(", ") }));
  }
  if (run.error) lines.push(element("p", { className: "problem", textContent: run.error }));
  return lines;
}

function thumbnail(kept, run) {
  kept.drawn = run.picture;
  const none = () => kept.picture.replaceChildren(element("div", { className: "picture none", textContent: "no picture" }));
  if (run.problem || run.picture === null) return none();
  const image = element("img", { className: "picture", loading: "lazy", alt: `Samples at step ${run.picture}` });
  image.onerror = none;
  image.src = `/api/runs/${address(run.name)}/thumbnail.png?step=${run.picture}`;
  kept.picture.replaceChildren(image);
}

function address(name) {
  return name.split("/").map(encodeURIComponent).join("/");
}

async function load() {
  const { runs } = await ask("/api/runs");
  const names = new Set(runs.map((run) => run.name));
  const gone = [...cards.keys()].filter((name) => !names.has(name));
  for (const name of gone) cards.delete(name);
  const articles = runs.map(show);
  const place = $("runs");
  if (articles.length !== place.children.length || articles.some((one, index) => place.children[index] !== one)) place.replaceChildren(...articles);
  place.setAttribute("aria-busy", "false");
  $("empty").hidden = runs.length > 0;
  if (gone.length) notice(`${gone.join(", ")}: deleted or moved`);
  const left = chosen.filter((name) => names.has(name));
  if (left.length < chosen.length) {
    chosen = left;
    changed();
  }
}

/** Loads again, and takes back what was said of an attempt that failed. */
async function renew() {
  try {
    await load();
    if (failed) notice("");
    failed = false;
  } catch (error) {
    failed = true;
    notice(error.message);
  }
}

function choose(name, wanted) {
  if (wanted && chosen.length >= MOST) {
    cards.get(name).box.checked = false;
    notice(`at most ${MOST} runs can be told apart on one chart`);
    return;
  }
  chosen = wanted ? [...chosen, name] : chosen.filter((one) => one !== name);
  changed();
}

function changed() {
  remember();
  for (const [name, { box, article }] of cards) {
    box.checked = chosen.includes(name);
    article.classList.toggle("chosen", box.checked);
  }
  $("chart").hidden = !chosen.length;
  $("settings").hidden = chosen.length < 2;
  for (const name of series.keys()) if (!chosen.includes(name)) series.delete(name);
  key();
  follow();
  differ().catch((error) => notice(error.message));
}

function remember() {
  const state = new URLSearchParams([...chosen.map((name) => ["run", name]), ...terms.map((name) => ["curve", name])]);
  history.replaceState(null, "", `#${state}`);
}

/** Curves of the chosen runs from now on. */
function follow() {
  source?.close();
  source = null;
  if (!chosen.length) return draw();
  for (const name of chosen) if (!series.has(name)) series.set(name, empty());
  source = new EventSource(`/api/runs/events?${new URLSearchParams(chosen.map((name) => ["run", name]))}`);
  source.onmessage = (event) => heard(JSON.parse(event.data));
  draw();
}

function heard({ run, problem, fresh, damaged, curves }) {
  if (!series.has(run)) return;
  if (problem) {
    series.set(run, empty());
    notice(problem);
    load().catch(() => {});
  } else {
    if (fresh) series.set(run, empty());
    for (const [name, points] of Object.entries(curves)) series.get(run)[name].push(...points);
    if (damaged) notice(`${run}: ${damaged} damaged ${damaged === 1 ? "line" : "lines"} of its log passed over`);
  }
  draw();
}

function empty() {
  return Object.fromEntries(Object.keys(TERMS).map((name) => [name, []]));
}

function draw() {
  const place = $("curves");
  if (place.children.length !== terms.length || terms.some((name, index) => place.children[index].dataset.term !== name)) {
    place.replaceChildren(...terms.map((name) => figure(name)));
  }
  for (const one of place.children) {
    const curves = chosen.map((name, index) => ({ place: index, points: series.get(name)?.[one.dataset.term] ?? [] }));
    const canvas = one.querySelector("canvas");
    drawRuns(canvas, curves);
    const last = chosen.map((name, index) => [name, curves[index].points.at(-1)]);
    const words = last.map(([name, point]) => (point ? `${name}: ${point[1].toPrecision(3)} at step ${point[0]}` : `${name}: none yet`));
    canvas.setAttribute("aria-label", `${SHORT[one.dataset.term]}. ${words.join("; ")}`);
    canvas.dataset.points = curves.reduce((sum, curve) => sum + curve.points.length, 0);
  }
}

function figure(name) {
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  const one = element("figure", {}, [element("figcaption", { textContent: TERMS[name] }), canvas]);
  one.dataset.term = name;
  return one;
}

function key() {
  const keys = chosen.map((name) => element("li", {}, [element("canvas"), name]));
  $("key").replaceChildren(...keys);
  keys.forEach((one, index) => drawKey(one.querySelector("canvas"), index));
}

async function differ() {
  if (chosen.length < 2) return;
  const { runs, differ: rows, problems } = await ask(`/api/runs/settings?${new URLSearchParams(chosen.map((name) => ["run", name]))}`);
  const head = element("tr", {}, [element("th", { textContent: "Setting", scope: "col" }), ...runs.map((name) => element("th", { textContent: name, scope: "col" }))]);
  const body = Object.entries(rows).map(([name, values]) =>
    element("tr", {}, [element("th", { textContent: name, scope: "row" }), ...values.map((value) => element("td", { textContent: value === null ? "" : String(value) }))]),
  );
  $("differ").replaceChildren(element("thead", {}, [head]), element("tbody", {}, body));
  $("same").hidden = body.length > 0;
  $("differ").hidden = !body.length;
  if (problems.length) notice(problems[0]);
}

function begin() {
  const state = new URLSearchParams(location.hash.slice(1));
  chosen = state.getAll("run").slice(0, MOST);
  const asked = state.getAll("curve").filter((name) => name in TERMS);
  if (asked.length) terms = asked;
  $("terms").replaceChildren(
    ...Object.entries(SHORT).map(([name, text]) => {
      const box = element("input", { type: "checkbox", value: name, checked: terms.includes(name) });
      box.onchange = () => {
        terms = [...document.querySelectorAll("#terms input:checked")].map((one) => one.value);
        remember();
        draw();
      };
      return element("label", {}, [box, text]);
    }),
  );
  addEventListener("resize", () => (key(), draw()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (key(), draw()));
  setInterval(() => document.hidden || renew(), EVERY);
  return load().then(() => chosen.length && changed());
}

begin().catch((error) => notice(error.message));
