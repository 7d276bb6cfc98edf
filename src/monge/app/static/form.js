// The settings of a lab as a form: shows what the server says they are, and tells what a change makes of them.

const VIEWS = {
  real: "real points",
  generated: "generated points",
  surface: "the critic's values",
  slope: "slope map: where is it not 1?",
  arrows: "arrows on generated points",
  warp: "the generator's warped grid",
  coupling: "the exact coupling",
  distances: "bracket, KL, JS, modes",
  losses: "losses",
  weights: "weights of the critic",
};

const $ = (id) => document.getElementById(id);

export class Form {
  /** `told.settings` is called with new settings, `told.views` when other views are wanted. */
  constructor(catalogue, told) {
    this.catalogue = catalogue;
    this.told = told;
    const names = Object.entries(catalogue.data);
    $("data").replaceChildren(...names.map(([name]) => new Option(name.replace("toy:", ""), name)));
    checks($("views"), Object.entries(VIEWS), () => this.told.views());
    checks($("faults"), Object.entries(catalogue.faults).map(([name, fault]) => [name, fault.name]), () => this.tell());
    $("data").onchange = () => this.tell();
    $("seed").onchange = () => this.tell();
    $("add").onclick = () => {
      this.objectives.push("wgan");
      this.tell();
    };
    for (const input of document.querySelectorAll("[data-rule]")) input.onchange = () => this.rule(input);
    for (const input of document.querySelectorAll("[data-net]")) input.onchange = () => this.network(input);
  }

  views() {
    return checked($("views"));
  }

  showViews(views) {
    for (const box of $("views").querySelectorAll("input")) box.checked = views.includes(box.value);
  }

  /** Shows the settings of a lab, and of its first side what they come to. */
  show({ settings, rules }) {
    this.given = { ...settings.given };
    this.objectives = [...settings.objectives];
    if (![...$("data").options].some((option) => option.value === settings.data)) {
      $("data").append(new Option(`your own: ${settings.data.split("/").pop()}`, settings.data));
    }
    $("data").value = settings.data;
    $("about-data").textContent = this.catalogue.data[settings.data]?.text ?? "";
    $("seed").value = settings.seed;
    for (const box of $("faults").querySelectorAll("input")) box.checked = settings.faults.includes(box.value);
    for (const input of document.querySelectorAll("[data-rule]")) input.value = rules[0].rule[input.dataset.rule] ?? "";
    this.networks = Object.fromEntries(["generator", "critic"].map((name) => [name, options(rules[0].rule[name])]));
    for (const input of document.querySelectorAll("[data-net]")) {
      const [network, option] = input.dataset.net.split(".");
      input.value = this.networks[network][option] ?? "";
    }
    this.showObjectives(rules);
    $("add").disabled = this.objectives.length >= this.catalogue.most_objectives;
  }

  showObjectives(rules) {
    const rows = this.objectives.map((objective, index) => {
      const row = document.createElement("div");
      row.className = "objective";
      const top = document.createElement("div");
      top.className = "top";
      const select = document.createElement("select");
      select.setAttribute("aria-label", `Objective ${index + 1}`);
      for (const [name, { needs_classes: classes }] of Object.entries(this.catalogue.objectives)) {
        const option = new Option(classes ? `${name} (needs classes)` : name, name);
        option.disabled = classes;
        select.append(option);
      }
      select.value = objective.split(":")[0];
      const about = document.createElement("p");
      about.className = "soft";
      about.textContent = this.catalogue.objectives[select.value].text;
      select.onchange = () => {
        this.objectives[index] = select.value;
        this.tell();
      };
      top.append(select);
      if (this.objectives.length > 1) {
        const remove = document.createElement("button");
        remove.type = "button";
        remove.textContent = "Remove";
        remove.onclick = () => {
          this.objectives.splice(index, 1);
          this.tell();
        };
        top.append(remove);
      }
      const list = document.createElement("div");
      list.className = "options";
      for (const [name, value] of Object.entries(rules[index].options)) list.append(this.option(index, name, value));
      row.append(top, about, list);
      return row;
    });
    $("objectives").replaceChildren(...rows);
  }

  option(index, name, value) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "number", step: "any", value, name: `${index}.${name}` });
    input.onchange = () => {
      const chosen = options(this.objectives[index]);
      chosen[name] = input.value;
      this.objectives[index] = spec(this.objectives[index].split(":")[0], chosen);
      this.tell();
    };
    label.append(`${name.replaceAll("_", " ")} `, input);
    return label;
  }

  rule(input) {
    const { rule } = input.dataset;
    if (input.value === "") delete this.given[rule];
    else this.given[rule] = input.type === "number" ? Number(input.value) : input.value;
    this.tell();
  }

  network(input) {
    const [network, option] = input.dataset.net.split(".");
    this.networks[network][option] = input.value;
    const { width, depth, latent } = this.networks[network];
    this.given[network] = spec("mlp", network === "generator" ? { latent, width, depth } : { width, depth });
    this.tell();
  }

  tell() {
    this.told.settings({
      data: $("data").value,
      objectives: this.objectives,
      given: this.given,
      seed: Number($("seed").value),
      faults: checked($("faults")),
    });
  }
}

function checks(place, entries, changed) {
  place.replaceChildren(
    ...entries.map(([value, text]) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      Object.assign(box, { type: "checkbox", value });
      box.onchange = changed;
      label.append(box, text);
      return label;
    }),
  );
}

function checked(place) {
  return [...place.querySelectorAll("input:checked")].map((box) => box.value);
}

/** The options of NAME:option=value... */
function options(text) {
  return Object.fromEntries(text.split(":").slice(1).map((part) => part.split("=")));
}

function spec(name, chosen) {
  return [name, ...Object.entries(chosen).map(([option, value]) => `${option}=${value}`)].join(":");
}
