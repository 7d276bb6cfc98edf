// The lab: takes a page's controls to a training on the server, and shows what comes back.

import { Form } from "./form.js";
import { BEGIN, read, written } from "./link.js";
import { columns, drawn } from "./pad.js";
import { Panels } from "./panels.js";
import { ask, notice, send } from "./request.js";
import { messages } from "./stream.js";

const KEPT = 1200;
const SPEEDS = {
  slow: { pace: 1, wait: 0.6, slow: true },
  calm: { pace: 1, wait: 0.33 },
  1: { pace: 1 },
  5: { pace: 5 },
  25: { pace: 25 },
  100: { pace: 100 },
};
const VIEWS = ["real", "generated", "surface", "losses", "distances"];
const ON_SERVER = ["surface", "arrows", "warp", "weights", "coupling", "distances"];

const $ = (id) => document.getElementById(id);

class Lab {
  constructor(catalogue, lessons) {
    this.catalogue = catalogue;
    this.lessons = lessons;
    this.panels = new Panels($("stage"));
    this.form = new Form(catalogue, {
      settings: (settings) => this.change(settings),
      views: (views) => this.look(views),
    });
    this.lesson = "";
    this.language = "en";
    this.listen();
  }

  listen() {
    for (const part of document.querySelectorAll("[inert]")) part.inert = false;
    $("play").onclick = () => this.play(!this.playing);
    for (const what of ["step", "phase", "critic", "generator"]) {
      $(what).onclick = () => this.order({ do: what }, () => this.shown(false));
    }
    $("reset").onclick = () => this.begin(this.settings);
    $("speed").onchange = () => this.order(SPEEDS[$("speed").value], () => this.remember());
    $("scrub").oninput = () => this.scrub(Number($("scrub").value));
    $("live").onclick = () => this.scrub(null);
    $("lesson").onchange = () => this.teach($("lesson").value);
    $("language").onchange = () => this.speak($("language").value);
    $("link").onclick = () => this.copied(location.href);
    $("command").onclick = () => this.order({ do: "copy", form: "command" });
    $("python").onclick = () => this.order({ do: "copy", form: "python" });
    for (const name of ["command", "python"]) $(name).addEventListener("click", () => { this.wanted = name; });
    $("draw").onclick = async () => this.trainOn(await drawn());
    $("csv").onchange = async () => {
      const [file] = $("csv").files;
      if (!file) return;
      await this.guarded(async () => this.trainOn(columns(await file.text())));
      $("csv").value = "";
    };
    window.addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Does something, and says in a line why it could not be done. */
  async guarded(work) {
    try {
      notice("");
      await work();
    } catch (error) {
      if (error.name !== "AbortError") notice(error.message);
    }
  }

  open(text) {
    const found = read(text);
    this.form.showViews(found.views ?? VIEWS);
    if (found.speed && found.speed in SPEEDS) $("speed").value = found.speed;
    this.lesson = found.lesson in this.lessons ? found.lesson : "";
    this.language = found.language === "zh" ? "zh" : "en";
    $("language").value = this.language;
    this.tell();
    this.begin(found.settings, found.changes);
  }

  /** Begins a training anew, in a new lab. */
  begin(settings, changes = []) {
    this.stream?.abort();
    this.stream = new AbortController();
    Object.assign(this, { settings, changes, frames: [], at: null, scene: null, opening: null });
    this.orders = new Promise((resolve) => { this.named = resolve; });
    this.shown(false);
    this.guarded(() => this.follow(this.stream.signal, settings, changes));
  }

  async follow(signal, settings, changes) {
    const body = { settings, changes, views: this.server(), ...SPEEDS[$("speed").value] };
    const answer = await send("/api/lab", { body, signal });
    for await (const message of messages(answer)) {
      if (signal.aborted) return;
      this.take(message);
    }
  }

  take({ header, arrays }) {
    if (header.error) {
      notice(header.error);
      if (header.ended) this.shown(false);
      else if (this.opening) this.form.show(this.opening);
    } else if (header.lab) {
      this.named(header.lab);
    } else if (header.opening) {
      this.settings = header.settings;
      this.begun = header.begun;
      this.opening = header;
      this.scene = { box: header.box, train: arrays.train, held_out: arrays.held_out };
      this.form.show(header);
      this.panels.prepare(header.settings.objectives);
      this.tell();
    } else if (header.began) {
      this.frames = [];
      notice("New networks or data: the training began anew.");
    } else if (header.copies) {
      this.copied(header.copies[this.wanted]);
    } else {
      this.add({ header, arrays });
    }
  }

  add(frame) {
    const last = this.frames[this.frames.length - 1];
    if (last && frame.header.step < last.header.step) this.frames = [];
    this.frames.push(frame);
    if (this.frames.length > KEPT) this.frames = this.frames.filter((_, index) => index % 2 || index > KEPT / 2);
    this.changes = frame.header.changes;
    if (frame.header.sides.every((side) => side.failed)) this.shown(false);
    $("scrub").max = this.frames.length - 1;
    if (this.at === null) {
      $("scrub").value = this.frames.length - 1;
      this.draw();
    }
    this.remember();
  }

  draw() {
    const index = this.at ?? this.frames.length - 1;
    if (!this.scene || index < 0) return;
    const shown = Object.fromEntries(this.form.views().map((view) => [view, true]));
    this.panels.draw(this.scene, this.frames, index, shown);
    const { copy, changes } = this.frames[index].header;
    for (const name of ["command", "python"]) $(name).disabled = !copy;
    $("why").hidden = copy;
    $("why").textContent = changes.length
      ? "Settings changed while it trained, which no command does: the link keeps the changes."
      : "What is broken, or done out of turn, no command does.";
  }

  scrub(index) {
    this.at = index === null || index >= this.frames.length - 1 ? null : index;
    if (index !== null && this.playing) this.play(false);
    $("live").disabled = this.at === null;
    if (this.at === null) $("scrub").value = this.frames.length - 1;
    this.draw();
  }

  play(on) {
    this.at = null;
    $("live").disabled = true;
    this.order({ do: on ? "play" : "pause" }, () => this.shown(on));
  }

  shown(playing) {
    this.playing = playing;
    $("play").textContent = playing ? "Pause" : "Play";
    $("play").setAttribute("aria-pressed", playing);
  }

  /** Sends an order after those before it, once the lab has begun. */
  order(body, then) {
    this.orders = this.orders?.then(async (name) => {
      await this.guarded(async () => {
        await ask(`/api/lab/${name}`, { body });
        then?.();
      });
      return name;
    });
  }

  change(settings) {
    this.order({ settings });
  }

  look() {
    this.order({ views: this.server() });
    this.draw();
    this.remember();
  }

  server() {
    const views = this.form.views();
    if (views.includes("slope")) views.push("surface");
    return ON_SERVER.filter((view) => views.includes(view));
  }

  async trainOn(points) {
    if (!points) return;
    await this.guarded(async () => {
      const kept = await ask("/api/lab/points", { body: { points } });
      const batch = Math.min(256, Math.floor(kept.points * 0.8));
      this.begin({ ...this.settings, data: kept.data, given: { ...this.settings.given, "training.batch": batch } });
    });
  }

  teach(name) {
    this.lesson = name;
    this.tell();
    if (!name) return this.remember();
    const { settings, views, speed } = this.lessons[name].preset;
    this.form.showViews(views);
    $("speed").value = speed;
    this.begin({ ...BEGIN, ...settings });
  }

  speak(language) {
    this.language = language;
    this.tell();
    this.remember();
  }

  /** Shows the lesson's text, and what is broken, in the language chosen. */
  tell() {
    const choices = [["", this.language === "zh" ? "不选：自由尝试" : "none: try freely"]];
    for (const [name, lesson] of Object.entries(this.lessons)) choices.push([name, lesson[this.language].title]);
    $("lesson").replaceChildren(...choices.map(([name, title]) => new Option(title, name)));
    $("lesson").value = this.lesson;
    const text = this.lessons[this.lesson]?.[this.language];
    $("lesson-text").hidden = !text;
    $("lesson-text").lang = this.language;
    $("lesson-text").replaceChildren(
      ...(text ? [...text.text, text.question] : []).map((sentence, index, all) => {
        const paragraph = document.createElement("p");
        paragraph.textContent = sentence;
        if (index === all.length - 1) paragraph.className = "question";
        return paragraph;
      }),
    );
    const seen = (this.settings?.faults ?? []).map((fault) => this.catalogue.faults[fault]?.[this.language]);
    $("broken").hidden = !seen.length;
    $("broken").textContent = seen.join(" ");
  }

  remember() {
    if (!this.begun) return;
    const { begun: settings, lesson, language, changes } = this;
    const text = written({ settings, views: this.form.views(), speed: $("speed").value, lesson, language, changes });
    history.replaceState(null, "", `#${text}`);
  }

  copied(text) {
    $("copied").hidden = false;
    $("copied").value = text;
    $("copied").rows = Math.min(18, text.split("\n").length + 1);
    $("copied").select();
    navigator.clipboard?.writeText(text).then(() => notice("Copied."), () => {});
  }
}

const [catalogue, faults, lessons] = await Promise.all(
  ["/api/lab/catalogue", "/static/faults.json", "/static/lessons.json"].map((address) => ask(address)),
);
const lab = new Lab({ ...catalogue, faults }, lessons);
lab.open(location.hash.slice(1));
window.addEventListener("hashchange", () => lab.open(location.hash.slice(1)));
