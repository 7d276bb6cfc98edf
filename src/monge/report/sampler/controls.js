"use strict";
// The section "Draw new samples": what its controls ask for is drawn anew whenever one of them changes.
const SHOWN = { images: 32, points: 1000, rows: 10 }, COLUMNS = 8, STEPS = 9, TRAIL = 100;
const PAUSE = 40;  // milliseconds of work before the browser may do something else
const control = id => document.getElementById(id);
const controls = [...document.querySelectorAll("#sampler input, #sampler select")].filter(one => one.id !== "rows");
const sliders = controls.filter(one => one.type === "range");
const directions = sliders.filter(one => one.id.startsWith("direction"));
const codes = controls.filter(one => one.id.startsWith("code"));
const fixed = new Set();  // sliders of codes that were moved; the others are drawn with the sample
let turn = 0, frame = null, places = [], picked = "to";

function numberIn(id) {
  const { valueAsNumber, min, max } = control(id);
  return Math.min(Math.max(Math.round(valueAsNumber) || 0, min), max);
}

function request() {
  const label = control("label"), chosen = one => one.type === "range" ? fixed.has(one) : one.value !== "";
  return {
    seed: numberIn("seed"),
    label: label && label.value !== "" ? Number(label.value) : null,
    codes: codes.map(one => chosen(one) ? Number(one.value) : null),
    steps: directions.map(slider => slider.valueAsNumber),
  };
}

// Gives the browser time now and then; false once something newer is to be drawn.
function waiting(own = ++turn) {
  let since = performance.now();
  return async () => {
    if (performance.now() - since > PAUSE) {
      await new Promise(resolve => setTimeout(resolve, 0));
      since = performance.now();
    }
    return own === turn || own === null;
  };
}

// Latent numbers of the two samples that were picked, and of places between them.
function ends(asked) {
  return ["from", "to"].map(id => latentOf(numberIn(id) - 1, asked));
}

const rowsOf = codec.kind === "table" ? permittedRows : vectors;

// Each draws what is asked for and gives the number of samples, or null where something newer is to be drawn.
const DRAW = {
  async images(asked, pause) {
    const grid = sheet(control("drawn"), COLUMNS, SHOWN.images / COLUMNS), row = sheet(control("between"), STEPS, 1);
    for (const [index, z] of between(...ends(asked), STEPS).entries()) {
      row.put(index, sampleAt(z, asked));
      if (!await pause()) return null;
    }
    for (let sample = 0; sample < SHOWN.images; sample++) {
      grid.put(sample, sampleAt(latentOf(sample, asked), asked));
      if (!await pause()) return null;
    }
    ["from", "to"].forEach(id => grid.frame(numberIn(id) - 1, id === "to"));
    return SHOWN.images;
  },

  async points(asked, pause) {
    const found = await vectors(SHOWN.points, asked, pause);
    if (!found) return null;
    const points = found.map(one => one.row), path = between(...ends(asked), TRAIL).map(z => sampleAt(z, asked));
    frame = frame || framing(points);
    places = scatter(control("drawn"), frame, points, path, [path[0], path[TRAIL - 1]]);
    return SHOWN.points;
  },

  async rows(asked, pause) {
    const found = await rowsOf(SHOWN.rows, asked, pause);
    if (!found) return null;
    const lines = texts(found).map((line, index) => {
      const row = document.createElement("tr");
      row.append(...line.map(text => {
        const cell = document.createElement(index ? "td" : "th");
        if (!index) cell.scope = "col";
        cell.textContent = text;
        return cell;
      }));
      return row;
    });
    control("drawn").replaceChildren(...lines);
    return found.length;
  },
};

async function draw() {
  const asked = request();
  control("sampler").setAttribute("aria-busy", "true");
  sliders.forEach(slider => {
    const drawn = codes.includes(slider) && !fixed.has(slider);
    slider.nextElementSibling.textContent = drawn ? "drawn" : slider.valueAsNumber.toFixed(1);
    slider.setAttribute("aria-valuetext", slider.nextElementSibling.textContent);
  });
  const count = await DRAW[generator.form](asked, waiting());
  if (count === null) return;
  control("sampler").setAttribute("aria-busy", "false");
  const name = asked.label === null ? "" : ` of class ${generator.classes[asked.label]}`;
  const told = `${count.toLocaleString("en")} ${generator.form}${name}, seed ${asked.seed}`;
  if (control("told").textContent !== told) control("told").textContent = told;
  if (generator.form !== "rows") control("drawn").setAttribute("aria-label", `New samples: ${told}`);
}

// A click on a sample picks it, in turn as the first and the last of the row between two.
function pick(event) {
  const { offsetX, offsetY, target } = event, [x, y] = [offsetX / target.clientWidth, offsetY / target.clientHeight];
  const away = ([left, top]) => Math.hypot(left / PLANE - x, top / PLANE - y);
  const nearest = () => places.reduce((best, one, index) => away(one) < away(places[best]) ? index : best, 0);
  const cell = Math.floor(y * SHOWN.images / COLUMNS) * COLUMNS + Math.floor(x * COLUMNS);
  picked = picked === "to" ? "from" : "to";
  control(picked).value = 1 + (generator.form === "points" ? nearest() : cell);
  draw();
}

async function save() {
  const count = numberIn("rows"), told = control("told");
  told.textContent = `drawing ${count.toLocaleString("en")} rows for a file`;
  const rows = await rowsOf(count, request(), waiting(null));
  const address = URL.createObjectURL(new Blob([csv(texts(rows))], { type: "text/csv" }));
  Object.assign(document.createElement("a"), { href: address, download: "samples.csv" }).click();
  URL.revokeObjectURL(address);
  told.textContent = `${rows.length.toLocaleString("en")} rows in samples.csv`;
}

controls.forEach(one => one.addEventListener("input", () => {
  if (codes.includes(one) && one.type === "range") fixed.add(one);
  draw();
}));
control("again").addEventListener("click", () => {
  control("seed").value = (numberIn("seed") + 1) % 2 ** 32;
  draw();
});
control("reset")?.addEventListener("click", () => {
  fixed.clear();
  sliders.forEach(slider => { slider.value = 0; });
  codes.filter(one => one.type !== "range").forEach(one => { one.value = ""; });
  draw();
});
control("save")?.addEventListener("click", save);
if (control("from")) {
  ["from", "to"].forEach(id => { control(id).max = SHOWN[generator.form]; });
  control("drawn").addEventListener("click", pick);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
control("sampler").hidden = false;
draw();
