// What one trained generator draws: samples, and what changes them.

import { ask, notice, send } from "./request.js";
import { element, facts, progress, status, subject } from "./run.js";
import { Tiles } from "./tiles.js";

const NO_BOUND = 3.05;
const EVERY = 5000;

const $ = (id) => document.getElementById(id);
const name = $("name").dataset.name;
const base = `/api/runs/${name.split("/").map(encodeURIComponent).join("/")}`;
let model = null;
let tiles = null;

/** One request of a kind at a time; the last that was asked for meanwhile is made next. */
class Latest {
  constructor(work) {
    this.work = work;
  }

  async ask() {
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    while (this.again) {
      this.again = false;
      await this.work().catch((error) => notice(error.message));
    }
    this.busy = false;
  }
}

/** What the controls say, as parameters of an address. */
function asked(more = {}) {
  const found = new URLSearchParams({ seed: $("seed").value, weights: $("weights").value, ...more });
  if (!$("class-label").hidden && $("class").value) found.set("class", $("class").value);
  if (model.form === "rows") {
    if ($("where").value.trim()) found.set("where", $("where").value);
    return found;
  }
  if (!("n" in more)) found.set("n", $("n").value);
  if (Number($("truncation").value) < NO_BOUND) found.set("truncation", $("truncation").value);
  for (const input of document.querySelectorAll("#codes [data-set]")) found.append("code", `${input.dataset.index}=${input.value}`);
  for (const input of document.querySelectorAll("#directions input")) {
    if (Number(input.value)) found.append("direction", `${input.dataset.index}=${input.value}`);
  }
  return found;
}

async function shown(image, address) {
  const content = await (await send(address)).blob();
  const before = image.src;
  image.src = URL.createObjectURL(content);
  if (before.startsWith("blob:")) URL.revokeObjectURL(before);
  await image.decode();
}

async function busy(place, work) {
  place.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    place.setAttribute("aria-busy", "false");
  }
}

const grid = new Latest(() =>
  busy($("sheet"), async () => {
    const [n, seed] = [Number($("n").value), $("seed").value];
    await shown($("grid"), `${base}/grid.png?${asked()}`);
    notice("");
    const text = `${n.toLocaleString("en")} ${n === 1 ? model.form.slice(0, -1) : model.form}, seed ${seed}`;
    $("told").textContent = text;
    $("grid").alt = `Generated: ${text}`;
    tiles.lay(n);
    for (const end of ["from", "to"]) $(end).max = n;
    $("picked").hidden = n < 2;
    if (n >= 2) strip.ask();
  }),
);

const strip = new Latest(() =>
  busy($("picked"), async () => {
    const [from, to] = ["from", "to"].map((end) => Number($(end).value) - 1);
    tiles.mark(from, to);
    $("near").replaceChildren();
    await shown($("strip"), `${base}/strip.png?${asked()}&from=${from}&to=${to}`);
    notice("");
    $("strip").alt = `From sample ${from + 1} to sample ${to + 1}, changing gradually`;
  }),
);

const table = new Latest(() =>
  busy($("table"), async () => {
    const { columns, rows, tried } = await ask(`${base}/rows?${asked({ n: 50 })}`);
    notice("");
    const cell = (text) => element("td", text === "" ? { className: "missing", textContent: "missing" } : { textContent: text });
    const head = element("tr", {}, columns.map((text) => element("th", { scope: "col", textContent: text })));
    $("table").firstElementChild.replaceChildren(
      element("thead", {}, [head]),
      element("tbody", {}, rows.map((row) => element("tr", {}, row.map(cell)))),
    );
    const of = tried > rows.length ? ` of ${tried.toLocaleString("en")} generated` : "";
    $("told").textContent = `${rows.length} rows${of}, seed ${$("seed").value}`;
  }),
);

async function nearest() {
  const index = Number($("from").value) - 1;
  $("near").replaceChildren(element("p", { textContent: "Looking ..." }));
  const found = await ask(`${base}/nearest?${asked()}&index=${index}`);
  if (found.missing) {
    $("near").replaceChildren(element("p", { textContent: found.missing }));
    return;
  }
  const far = found.distances.map((distance) => distance.toPrecision(3)).join(", ");
  const some = found.searched < found.size ? ` of ${found.size.toLocaleString("en")}` : "";
  const text = `Sample ${index + 1} first, then its nearest of ${found.searched.toLocaleString("en")}${some} training samples, at distances ${far} (${found.unit}).`;
  const picture = found.picture ? element("img", { src: found.picture, alt: text }) : numbers(found);
  $("near").replaceChildren(element("p", { textContent: text }), picture);
}

function numbers({ columns, rows }) {
  const head = element("tr", {}, ["", ...columns].map((text) => element("th", { scope: "col", textContent: text })));
  const body = rows.map((row, index) =>
    element("tr", {}, [
      element("th", { scope: "row", textContent: index ? `nearest ${index}` : "sample" }),
      ...row.map((value) => element("td", { textContent: value.toPrecision(4) })),
    ]),
  );
  return element("div", { className: "wide" }, [element("table", {}, [element("thead", {}, [head]), element("tbody", {}, body)])]);
}

async function save() {
  const content = await (await send(`${base}/rows.csv?${asked({ n: $("rows").value })}`)).blob();
  const link = element("a", { href: URL.createObjectURL(content), download: "samples.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  notice("");
  $("told").textContent = `${Number($("rows").value).toLocaleString("en")} rows in samples.csv`;
}

function redraw() {
  return model.form === "rows" ? table.ask() : grid.ask();
}

function again() {
  $("seed").value = Number($("seed").value || 0) + 1;
  redraw();
}

function slider(index, reach, text, tell) {
  const input = element("input", { type: "range", min: -reach, max: reach, step: reach / 30, value: 0 });
  input.dataset.index = index;
  const told = element("output");
  tell(input, told);
  input.oninput = () => {
    input.dataset.set = "yes";
    tell(input, told);
    redraw();
  };
  return element("label", { className: "slide" }, [text, element("span", { className: "row" }, [input, told])]);
}

function codes() {
  const tell = (input, told) => (told.textContent = "set" in input.dataset ? Number(input.value).toFixed(1) : "drawn");
  const rows = model.codes.map(({ categories, reach }, index) => {
    if (!categories) return slider(index, reach, `Code ${index}`, tell);
    const values = Array.from({ length: categories }, (none, value) => new Option(String(value), value));
    const select = element("select", {}, [new Option("drawn", ""), ...values]);
    select.dataset.index = index;
    select.onchange = () => {
      if (select.value === "") delete select.dataset.set;
      else select.dataset.set = "yes";
      redraw();
    };
    return element("label", {}, [`Code ${index}`, select]);
  });
  $("codes").append(...rows);
  $("codes").hidden = !rows.length;
}

function directions() {
  const tell = (input, told) => (told.textContent = Number(input.value).toFixed(1));
  const rows = Array.from({ length: model.directions }, (none, index) => slider(index, 3, `Direction ${index + 1}`, tell));
  $("directions").append(...rows);
  $("directions").hidden = !rows.length;
}

function bound() {
  const value = Number($("truncation").value);
  $("truncation").nextElementSibling.textContent = value < NO_BOUND ? `± ${value.toFixed(1)}` : "none";
}

function reset() {
  $("class").value = "";
  $("truncation").value = $("truncation").max;
  bound();
  for (const input of document.querySelectorAll("#codes input, #directions input")) {
    input.value = 0;
    delete input.dataset.set;
    input.nextElementSibling.textContent = input.closest("#codes") ? "drawn" : "0.0";
  }
  for (const select of document.querySelectorAll("#codes select")) {
    select.value = "";
    delete select.dataset.set;
  }
  redraw();
}

/** What is said of the run, and whether it has a report. */
function said(run) {
  const line = element("p", {}, [status(run), " ", [progress(run), subject(run)].filter(Boolean).join("; ")]);
  const list = element("dl", {}, facts(run.bracket).map(([what, value], index) =>
    element("div", {}, [element("dt", { textContent: what }), element("dd", { textContent: value, className: index ? "" : "first" })]),
  ));
  const link = element("a", { href: `/reports/${base.slice("/api/runs/".length)}`, textContent: "Open the report", target: "_blank", rel: "noopener" });
  const report = element("p", {}, run.report ? [link] : [element("span", { className: "soft", textContent: "no report yet; monge report RUN writes one" })]);
  const parts = [line, run.bracket ? list : element("p", { className: "soft", textContent: "no bracket measured yet" }), report];
  if (run.error) parts.push(element("p", { className: "problem", textContent: run.error }));
  if (run.missing) parts.push(element("p", { className: "problem", textContent: run.missing }));
  $("about").replaceChildren(...parts);
  $("about").setAttribute("aria-busy", "false");
}

function prepare() {
  for (const part of document.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(model.form);
  const images = model.form === "images";
  $("where").placeholder = model.example ?? "";
  $("n").max = model.most;
  $("n").value = model.usual;
  $("class").append(...model.classes.map((label) => new Option(label, label)));
  $("class-label").hidden = !model.classes.length;
  $("class-of").textContent = model.class_of === "class" ? "Class" : `Class (${model.class_of})`;
  codes();
  directions();
  $("sheet").hidden = model.form === "rows";
  $("table").hidden = model.form !== "rows";
  for (const image of [$("sheet"), $("strip")]) image.classList.add(images ? "images" : "points");
  $("how").textContent = images ? "Click two of the pictures above, or move among them with the arrow keys and pick with Space." : "Numbers of two samples; the points between them are drawn on the same axes.";
  tiles = new Tiles($("tiles"), images, (from, to) => {
    [$("from").value, $("to").value] = [from + 1, to + 1];
    strip.ask();
  });
}

function listen() {
  for (const id of ["seed", "n", "weights", "class"]) $(id).onchange = redraw;
  $("truncation").oninput = () => {
    bound();
    redraw();
  };
  $("where").onchange = redraw;
  $("again").onclick = again;
  $("reset").onclick = reset;
  for (const end of ["from", "to"]) $(end).onchange = () => strip.ask();
  $("controls").onsubmit = (event) => event.preventDefault();
  $("nearest").onclick = () => nearest().catch((error) => {
    $("near").replaceChildren();
    notice(error.message);
  });
  $("save").onclick = () => save().catch((error) => notice(error.message));
}

/** A run in training: what is said of it stays up to date, and so do its samples. */
async function look() {
  const found = await ask(`${base}/about`);
  said(found);
  if (!found.model) return found;
  const first = model === null;
  const newer = !first && found.model.model_step !== model.model_step;
  model = found.model;
  if (first) {
    prepare();
    listen();
    $("explore").hidden = false;
  }
  if (first || newer) redraw();
  return found;
}

async function begin() {
  const { status: now } = await look();
  if (now !== "running") return;
  const timer = setInterval(() => document.hidden || look().then((run) => run.status === "running" || clearInterval(timer), (error) => {
    clearInterval(timer);
    notice(error.message);
  }), EVERY);
}

begin().catch((error) => {
  $("about").setAttribute("aria-busy", "false");
  notice(error.message);
});
