"use strict";
// From what the network gives to samples in the data's own scale, as decoding.py describes it. Missing values are NaN.
const DECODE = {
  // Pixels (height, width, channels), from `low`, which is shown black, to `high`.
  image(codec, x) {
    const half = (codec.high - codec.low) / 2, area = codec.height * codec.width;
    return Float64Array.from(x, (none, index) => {
      const value = (x[index % codec.channels * area + Math.floor(index / codec.channels)] + 1) * half + codec.low;
      const kept = Math.min(Math.max(codec.whole ? rint(value) : value, codec.low), codec.high);
      return codec.binary ? Number(kept !== 0) : kept;
    });
  },

  vector(codec, x) {
    const values = x.map((value, index) => value * codec.scale[index] + codec.mean[index]);
    return codec.single ? values.map(Math.fround) : values;
  },

  table(codec, x) {
    const row = new Float64Array(codec.width).fill(NaN);
    codec.columns.forEach(column => {
      const level = levelOf(column, x);
      const number = column.knots && (column.gate === null || level === column.gate);
      const value = number ? numberOf(column.knots, x[column.number]) : column.values[level];
      row[column.column] = value === null ? NaN : value;
    });
    codec.restored.forEach(restored => { row[restored.column] = RESTORED[restored.form](restored, row); });
    return row;
  },
};

function levelOf(column, x) {
  const scores = column.levels ? x.subarray(column.start, column.start + column.levels) : [1];
  return scores.indexOf(Math.max(...scores));
}

// The value of a normal number: on the line between two knots, on the column's step, within its bounds.
function numberOf(knots, z) {
  let value = interpolated(z, knots.z, knots.x);
  if (knots.step) {
    value = rint(value / knots.step) * knots.step;
    if (knots.step < 1) value = rounded(value, rint(-Math.log10(knots.step)));
  }
  return Math.min(Math.max(value, knots.low), knots.high);
}

function interpolated(at, from, to) {
  const above = from.findIndex(knot => knot > at);
  if (above === 0) return to[0];
  if (above < 0) return to[to.length - 1];
  const slope = (to[above] - to[above - 1]) / (from[above] - from[above - 1]);
  return slope * (at - from[above - 1]) + to[above - 1];
}

function rounded(value, decimals) {
  return rint(value * 10 ** decimals) / 10 ** decimals;
}

// Columns of which the difference to another was made, and columns that follow from others.
const RESTORED = {
  offset({ column, base, decimals, low, high }, row) {
    const value = row[base] + row[column];
    return Math.min(Math.max(decimals === null ? value : rounded(value, decimals) + 0, low), high);
  },

  // Read off the nearest key of a table; the last key is null where a missing value has one.
  lookup(derived, row) {
    const given = partOf(row[derived.source], derived);
    const known = derived.keys.filter(key => key !== null);
    let at = 0;
    while (at < known.length - 1 && (known[at] + known[at + 1]) / 2 <= given) at++;
    if (Number.isNaN(given)) at = known.length;
    const value = derived.values[at];
    return value === null || value === undefined ? NaN : value;
  },

  formula({ sources, operation, weight, intercept, decimals }, row) {
    const [first, second] = sources.map(source => row[source]);
    const joined = {
      "": () => first, "date": () => Math.floor(first / 86400), "+": () => first + second, "-": () => first - second,
      "*": () => first * second, "/": () => first / second,
    }[operation]();
    if (!Number.isFinite(joined)) return NaN;
    const value = weight * joined + intercept;
    return decimals === null ? value : rounded(value, decimals) + 0;
  },
};

// A part of a date in days, or of a time in seconds, since 1970; weekdays are 0 for Monday to 6.
function partOf(value, { part, date }) {
  if (part === "value" || Number.isNaN(value)) return value;
  const moment = new Date(Math.floor(date ? value * 86400 : value) * 1000);
  return {
    year: moment.getUTCFullYear(), month: moment.getUTCMonth() + 1, day: moment.getUTCDate(),
    weekday: (moment.getUTCDay() + 6) % 7, hour: moment.getUTCHours(),
  }[part];
}

// The probability that a row is kept, so that all that are kept have the margins of the data; see nn/margin.py.
function chanceOf(codec, x, row) {
  if (!codec.margins) return 1;
  const { ranges, edges, multipliers, cut } = codec.margins;
  const numbers = codec.columns.filter(column => column.knots).length;
  let sum = -cut;
  codec.columns.forEach(column => {
    let level = levelOf(column, x);
    const number = row[column.column] - (column.base === null ? 0 : row[column.base]);
    if (column.knots && column.levels) level = levelOfNumber(column, number);
    if (column.levels) sum += multipliers[numbers * ranges + column.start - numbers + level];
    if (column.knots && (column.gate === null || level === column.gate)) {
      const { z, x: values, step } = column.knots;
      const [low, high] = [number - step / 2, number + step / 2].map(end => interpolated(end, values, z));
      const middle = Math.fround(low + (high - low) / 2);
      sum += multipliers[column.number * ranges + edges.filter(edge => edge < middle).length];
    }
  });
  return Math.exp(Math.min(sum, 0));
}

// A number between the spikes of its column may be rounded to one of them.
function levelOfNumber(column, value) {
  const { spikes, missing } = column.knots;
  if (Number.isNaN(value)) return column.levels - 1;
  const spike = spikes.findIndex(one => Math.abs(one - value) <= 1e-9 * Math.abs(one));
  return spike >= 0 ? spike : column.levels - 1 - missing;
}

// Whether a row has the values of a combination: the place of a level, -1 for any value, -2 for a missing one.
function matches(combination, row) {
  return combination.columns.every((column, index) => {
    const wanted = combination.values[index], missing = Number.isNaN(row[column]);
    return wanted === -1 ? !missing : wanted === -2 ? missing : row[column] === wanted;
  });
}

// A value as a file of text has it; a missing one is empty.
function written(column, value) {
  if (Number.isNaN(value)) return "";
  if (column.levels) return column.levels[value];
  if (column.fields) return moment(column, value);
  if (column.digits) return (rounded(value, column.digits[0]) + 0).toFixed(column.digits[1]);
  return shortest(value, column.single);
}

function shortest(value, single) {
  for (let digits = 1; single && digits < 10; digits++) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(text) === Math.fround(value)) return text;
  }
  return String(value);
}

const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December"];

// A date or a time in a form whose literal and named parts alternate, as data/table/calendar.py divides it.
function moment(column, value) {
  const power = 10 ** column.decimals, exact = column.unit === 1 ? value : rint(value) * column.unit;
  const units = rint(exact * power), fraction = ((units % power) + power) % power;
  const seconds = column.fields.includes("f") ? Math.floor(units / power) : rint(exact);
  const at = new Date(seconds * 1000), two = number => String(number).padStart(2, "0");
  const [hour, month] = [at.getUTCHours(), at.getUTCMonth()], half = (hour + 11) % 12 + 1;
  const parts = {
    "Y": String(at.getUTCFullYear()).padStart(4, "0"), "y": two(at.getUTCFullYear() % 100), "m": two(month + 1),
    "d": two(at.getUTCDate()), "-m": String(month + 1), "-d": String(at.getUTCDate()), "b": MONTHS[month].slice(0, 3),
    "B": MONTHS[month], "H": two(hour), "-H": String(hour), "I": two(half), "-I": String(half),
    "M": two(at.getUTCMinutes()), "S": two(at.getUTCSeconds()), "p": hour >= 12 ? "PM" : "AM",
    "f": String(fraction).padStart(column.decimals, "0"),
  };
  return column.fields.map((part, index) => index % 2 ? parts[part] : part).join("");
}
