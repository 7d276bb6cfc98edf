"use strict";
// Samples of the generator by their number: sample 0 of a seed, sample 1, and so on. A request has the `seed`, perhaps
// a `label` and `codes` as network.js has them, and `steps` along the directions.
const codec = generator.decoding;
const TRIES = 200000, EACH = 500;  // rows tried before no more are looked for, at least, and for each that is wanted

function latentOf(sample, request) {
  return normal(request.seed, PURPOSE.latent, sample, generator.latent).map((value, place) =>
    generator.directions.reduce((sum, direction, index) => sum + request.steps[index] * direction[place], value));
}

// A sample in raw scale, of latent numbers.
function sampleAt(z, request) {
  return DECODE[codec.kind](codec, generate(z, request));
}

// Places on the great arc between two latent codes, which is where normal ones lie.
function between(first, last, count) {
  return Array.from({ length: count }, (none, index) => {
    const angle = index / (count - 1) * Math.PI / 2;
    return first.map((value, place) => Math.cos(angle) * value + Math.sin(angle) * last[place]);
  });
}

// Rows of a table with the class of each, as many as are asked for if they can be found. Candidates come in rounds.
// Rows with values that do not go together are passed over, and others by chance, so that the columns have the data's
// margins. `pause` is awaited now and then; it gives false where nobody waits for the rows any more.
async function permittedRows(count, request, pause) {
  const kept = [];
  for (let start = 0; kept.length < count && start < TRIES + EACH * count;) {
    const size = Math.max(64, Math.ceil(1.1 * (count - kept.length) * (start + 1) / (kept.length + 1)));
    const round = [];
    for (let sample = start; sample < start + Math.min(size, 8192); sample++) {
      if (!await pause()) return null;
      const z = latentOf(sample, request), x = generate(z, request), row = DECODE.table(codec, x);
      const [chance] = uniform(request.seed, PURPOSE.kept, sample, 1);
      round.push({ row, label: labelAt(z, request), likely: chance < chanceOf(codec, x, row) });
    }
    kept.push(...withoutRare(round, request.seed, start).filter(one => one.likely));
    start += round.length;
  }
  return kept.slice(0, count);
}

// A round of rows without combinations and orders that the data never have, and with others no more often than they.
function withoutRare(round, seed, start) {
  const never = codec.combinations.filter(one => one.rate === 0), rare = codec.combinations.filter(one => one.rate > 0);
  let left = round.filter(one => !never.some(combination => matches(combination, one.row)));
  left = left.filter(one => !codec.orders.some(([first, second]) => one.row[first] > one.row[second]));
  rare.forEach((combination, index) => {
    let allowed = Math.floor(combination.rate * round.length + uniform(seed, PURPOSE.rare + index, start, 1)[0]);
    left = left.filter(one => !matches(combination, one.row) || allowed-- > 0);
  });
  return left;
}

// Rows of vectors, of which none is left out.
async function vectors(count, request, pause) {
  const found = [];
  for (let sample = 0; sample < count; sample++) {
    if (!await pause()) return null;
    const z = latentOf(sample, request);
    found.push({ row: sampleAt(z, request), label: labelAt(z, request) });
  }
  return found;
}

// The name of the class of a sample, or null.
function labelAt(z, request) {
  return generator.classes && generator.classes[classOf(generator.layers[0], z, request)];
}

// Names of columns, and rows of texts, as they are shown and stored.
function texts(rows) {
  const columns = codec.written || codec.names.map(name => ({ name, single: codec.single }));
  const head = [...columns.map(column => column.name), ...generator.classes ? [generator.classesOf] : []];
  const cells = rows.map(({ row, label }) => [
    ...columns.map((column, index) => written(column, row[index])), ...label === null ? [] : [label],
  ]);
  return [head, ...cells];
}

function csv(rows) {
  const quoted = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map(cells => cells.map(quoted).join(",") + "\n").join("");
}
