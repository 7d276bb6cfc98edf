// The state of a lab as the part of an address behind #, and back.

/** What a page begins with, and what an address need not say. */
export const BEGIN = {
  data: "toy:ring8",
  objectives: ["wgan-gp:weight=1"],
  given: {},
  seed: 0,
  faults: [],
};

/** The part of an address that stands for settings, views, pace, lesson, and changes while it trained. */
export function written({ settings, views, speed, lesson, language, changes }) {
  const parts = new URLSearchParams();
  if (settings.data !== BEGIN.data) parts.set("data", settings.data);
  for (const objective of settings.objectives) parts.append("objective", objective);
  for (const [name, value] of Object.entries(settings.given)) parts.set(name, value);
  if (settings.seed) parts.set("seed", settings.seed);
  for (const fault of settings.faults) parts.append("break", fault);
  if (views) parts.set("views", views.join(" "));
  if (speed) parts.set("speed", speed);
  if (lesson) parts.set("lesson", lesson);
  if (language !== "en") parts.set("language", language);
  if (changes?.length) parts.set("changes", JSON.stringify(changes));
  return parts.toString();
}

/** The inverse: settings as the server takes them, and the rest; what is not known is left to the server to refuse. */
export function read(text) {
  const parts = new URLSearchParams(text);
  const settings = { ...BEGIN, given: {} };
  if (parts.has("data")) settings.data = parts.get("data");
  if (parts.has("objective")) settings.objectives = parts.getAll("objective");
  if (parts.has("seed")) settings.seed = Number(parts.get("seed"));
  if (parts.has("break")) settings.faults = parts.getAll("break");
  for (const [name, value] of parts) {
    if (name.startsWith("training.")) settings.given[name] = typed(value);
    if (name === "generator" || name === "critic") settings.given[name] = value;
  }
  let changes = [];
  try {
    changes = JSON.parse(parts.get("changes") ?? "[]");
  } catch {
    // a damaged link begins without them
  }
  return {
    settings,
    changes,
    views: parts.has("views") ? parts.get("views").split(" ").filter(Boolean) : null,
    speed: parts.get("speed"),
    lesson: parts.get("lesson") ?? "",
    language: parts.get("language") ?? "en",
  };
}

function typed(value) {
  return value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
}
