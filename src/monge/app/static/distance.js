// Two files, or names of data: they are sent, compared, and what was found is shown.

import { ask, send } from "./request.js";

const find = (id) => document.getElementById(id);
const form = find("ask");
const letters = ["a", "b"];
/** Words that name the files which the server has. */
let sent = new Map();
/** Stops the comparison that is going on. */
let going = null;

/** The file of a side, if one was chosen or dropped. */
function chosen(letter) {
  return find(`file-${letter}`).files[0] ?? null;
}

/** Gives a side a file, or takes it away. */
function take(letter, file) {
  const held = new DataTransfer();
  if (file) held.items.add(file);
  find(`file-${letter}`).files = held.files;
  reflect(letter);
}

/** Shows what belongs to the file of a side. */
function reflect(letter) {
  const file = chosen(letter);
  find(`chosen-${letter}`).hidden = !file;
  find(`chosen-${letter}`).firstElementChild.textContent = file ? size(file.size) : "";
  if (file) find(`name-${letter}`).value = "";
  find(`array-${letter}`).hidden = !/\.npz$/i.test(file?.name ?? "");
}

function size(bytes) {
  if (bytes < 2 ** 20) return `${Math.ceil(bytes / 1024).toLocaleString("en")} KiB`;
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** A side as the server reads it; its file is sent unless it was already. */
async function side(letter, signal) {
  const file = chosen(letter);
  if (!file) return { name: find(`name-${letter}`).value || undefined };
  const endings = form.dataset.endings.split(" ");
  if (!endings.some((ending) => file.name.toLowerCase().endsWith(ending))) {
    throw new Error(`${letter.toUpperCase()}: a file must be of one of the kinds ${endings.join(", ")}; got ${file.name}`);
  }
  if (file.size > Number(form.dataset.largest)) {
    throw new Error(`${letter.toUpperCase()}: a file must be at most ${size(Number(form.dataset.largest))}; ${file.name} has ${size(file.size)}`);
  }
  const same = `${file.name}/${file.size}/${file.lastModified}`; // one file on both sides is sent once
  if (!sent.has(same)) {
    show(`sending ${file.name}`);
    await file.slice(0, 1).arrayBuffer().catch(() => {
      throw new Error(`${letter.toUpperCase()}: ${file.name} has changed or is gone; choose it again`);
    });
    const address = `/api/distance/files/${encodeURIComponent(file.name)}`;
    sent.set(same, (await ask(address, { body: file, method: "PUT", signal })).file);
  }
  const key = /\.npz$/i.test(file.name) ? find(`key-${letter}`).value : "";
  return { file: sent.get(same), key };
}

/** The options that differ from what the command does by itself. */
function options() {
  const found = {};
  for (const name of ["samples", "seed"]) if (find(name).value) found[name] = Number(find(name).value);
  for (const name of ["standardise", "columns", "exclude", "group", "label"]) if (find(name).value) found[name] = find(name).value;
  for (const name of ["explain", "picture"]) if (!find(name).checked) found[name] = false;
  return found;
}

function show(text, done = 0, total = 0) {
  find("stage").textContent = `${text} …`;
  const bar = find("progress");
  if (total > 1) {
    bar.max = total;
    bar.value = done;
  } else {
    bar.removeAttribute("value");
  }
}

function wrong(text) {
  find("wrong").textContent = text;
  find("wrong").hidden = !text;
}

function working(on) {
  find("going").hidden = !on;
  find("compare").disabled = on;
  find("stop").disabled = !on;
}

async function* lines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (held + value).split("\n");
    held = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

function warn(text) {
  const line = document.createElement("li");
  line.textContent = text;
  find("notes").append(line);
  find("notes").hidden = false;
}

function present(message) {
  const address = `/api/distance/${message.page}/report.html`;
  find("verdict").textContent = message.verdict;
  find("save").href = `${address}?download`;
  find("apart").href = address;
  find("report").src = address;
  find("found").hidden = false;
}

async function compare(signal) {
  show("beginning");
  const body = { a: await side("a", signal), b: await side("b", signal), options: options() };
  const answer = await send("/api/distance", { body, signal });
  for await (const message of lines(answer)) {
    if (message.error) throw new Error(message.error);
    if (message.note) warn(message.note);
    if (message.stage) show(message.stage, message.done, message.total);
    if (message.verdict) return present(message);
  }
  throw new Error("monge has ended, and the comparison with it");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (going) return;
  going = new AbortController();
  wrong("");
  find("found").hidden = true;
  find("notes").hidden = true;
  find("notes").replaceChildren();
  working(true);
  find("stop").focus(); // a button that is disabled loses it
  let found = false;
  try {
    await compare(going.signal);
    found = true;
  } catch (error) {
    if (error.name !== "AbortError") {
      sent = new Map(); // whatever was wrong, nothing old is relied on
      wrong(error instanceof TypeError ? "monge does not answer; is the command still running?" : error.message);
    }
  }
  going = null;
  working(false);
  find(found ? "verdict" : "compare").focus();
});

find("stop").addEventListener("click", () => going?.abort());

find("swap").addEventListener("click", () => {
  const [first, second] = letters.map((letter) => [chosen(letter), find(`name-${letter}`).value, find(`key-${letter}`).value]);
  for (const [letter, [file, name, key]] of [["a", second], ["b", first]]) {
    take(letter, file);
    find(`name-${letter}`).value = name;
    find(`key-${letter}`).value = key;
  }
});

for (const letter of letters) {
  find(`file-${letter}`).addEventListener("change", () => reflect(letter));
  find(`name-${letter}`).addEventListener("change", (event) => event.target.value && take(letter, null));
  find(`drop-${letter}`).addEventListener("click", () => {
    take(letter, null);
    find(`file-${letter}`).focus();
  });
}

/** The side that a drop is for: the one that it is on, or the first without a file. */
function aim(event) {
  const on = event.target.closest?.(".side");
  if (on) return on.id.at(-1);
  return chosen("a") || find("name-a").value ? "b" : "a";
}

addEventListener("dragover", (event) => {
  event.preventDefault();
  for (const letter of letters) find(`side-${letter}`).classList.toggle("over", aim(event) === letter);
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) for (const letter of letters) find(`side-${letter}`).classList.remove("over");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  for (const letter of letters) find(`side-${letter}`).classList.remove("over");
  const dropped = [...event.dataTransfer.files];
  if (dropped.length > 2) wrong(`two files are compared; got ${dropped.length}`);
  else if (dropped.length === 2) letters.forEach((letter, index) => take(letter, dropped[index]));
  else if (dropped.length === 1) take(aim(event), dropped[0]);
});
