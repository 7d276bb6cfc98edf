// What both pages of runs say of one: its status and its bracket.

import { short } from "./chart.js";

const QUIET = 600;

/** An element with some properties and children. */
export function element(tag, properties = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** The status of a run, as a label; one that writes nothing for long has perhaps been killed. */
export function status(run) {
  const quiet = run.status === "running" && run.silent > QUIET;
  const text = quiet ? `running, silent for ${ago(run.silent)}` : run.status;
  return element("span", { className: `status ${run.status}`, textContent: text });
}

/** How far a training is; empty for a copula, which is fitted without steps. */
export function progress(run) {
  const [step, steps] = [run.step, run.steps].map((count) => count?.toLocaleString("en"));
  return run.steps === null ? "" : `step ${step} of ${steps}`;
}

/** What was trained on what. */
export function subject(run) {
  return `${run.data}, ${run.objective}, seed ${run.seed}`;
}

/** Names and values of a bracket, the excess first. */
export function facts(bracket) {
  if (!bracket) return [];
  const error = bracket.excess_error ? ` ± ${short(Number(bracket.excess_error.toPrecision(1)))}` : "";
  return [["excess", `${short(bracket.excess)}${error}`], ...["lower", "upper", "floor"].map((name) => [name, short(bracket[name])])];
}

function ago(seconds) {
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} hours` : `${Math.round(seconds / 86400)} days`;
}
