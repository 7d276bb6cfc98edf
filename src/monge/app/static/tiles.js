// The pictures of a grid as buttons over it, of which two are picked: with the mouse, or arrow keys and Space.

export class Tiles {
  /** `picked` is called with the places of both; without `shown` there are no buttons. */
  constructor(place, shown, picked) {
    this.place = place;
    this.shown = shown;
    this.picked = picked;
    this.ends = [0, 1];
    place.onkeydown = (event) => this.key(event);
  }

  /** Lays so many buttons over the grid. */
  lay(count) {
    this.place.hidden = !this.shown;
    if (!this.shown || this.place.children.length === count) return;
    this.columns = Math.max(1, roundEven(Math.sqrt(count)));
    const rows = Math.ceil(count / this.columns);
    this.place.style.gridTemplateColumns = `repeat(${this.columns}, 1fr)`;
    this.place.style.gridTemplateRows = `repeat(${rows}, 1fr)`;
    const buttons = Array.from({ length: count }, (none, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.tabIndex = index ? -1 : 0;
      button.setAttribute("aria-label", `Sample ${index + 1}`);
      button.onclick = () => this.pick(index);
      return button;
    });
    this.place.replaceChildren(...buttons);
  }

  /** The earlier of the two picks gives way. */
  pick(index) {
    if (this.ends.includes(index)) return;
    this.picked(this.ends[1], index);
  }

  /** Shows which two are picked. */
  mark(from, to) {
    this.ends = [from, to];
    [...this.place.children].forEach((button, index) => {
      button.setAttribute("aria-pressed", String(this.ends.includes(index)));
      button.dataset.end = index === from ? "from" : "to";
    });
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const buttons = [...this.place.children];
    const here = buttons.indexOf(document.activeElement);
    const next = buttons[here + step];
    if (!next) return;
    buttons[here].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

/** As Python rounds: halves to even. */
function roundEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 ? low + 1 : low;
}
