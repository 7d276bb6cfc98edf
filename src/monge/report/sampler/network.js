"use strict";
// The generator of this page. It is a list of layers, written by graph.py; KINDS has one function for each kind of
// layer. Functions take the layer and { values, shape } of what the layer before gave, and return the same of their
// own: shape is [units] or [channels, height, width]. Numbers are added up in double precision, where torch has single.
const generator = JSON.parse(document.getElementById("generator").textContent);
const weights = unpacked(generator.weights, generator.half);

// Base64 of floating-point numbers of 32 bits, or of 16, the lowest byte first.
function unpacked(text, half) {
  const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return half ? Float32Array.from(new Uint16Array(bytes.buffer), ofHalf) : new Float32Array(bytes.buffer);
}

// The number of 16 bits: sign, five of the exponent, ten of the fraction.
function ofHalf(bits) {
  const sign = bits >> 15 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}

function product(sizes) {
  return sizes.reduce((all, size) => all * size, 1);
}

function run(layers, x, asked) {
  return layers.reduce((given, layer) => KINDS[layer.kind](layer, given, asked), x);
}

// What the network gives for latent numbers z. `asked` may have `label`, the index of a class, and `codes`, a value or
// null for each code.
function generate(z, asked = {}) {
  return run(generator.layers, { values: Float64Array.from(z), shape: [z.length] }, asked).values;
}

function flat(values) {
  return { values: Float64Array.from(values), shape: [values.length] };
}

function eachValue(x, change) {
  return { values: x.values.map(change), shape: x.shape };
}

const KINDS = {
  "linear"(layer, x) {
    const given = x.values, inputs = given.length, values = new Float64Array(layer.outputs);
    for (let output = 0; output < layer.outputs; output++) {
      const start = layer.weight + output * inputs, row = weights.subarray(start, start + inputs);
      let sum = weights[layer.bias + output];
      for (let input = 0; input < inputs; input++) sum += row[input] * given[input];
      values[output] = sum;
    }
    return { values, shape: [layer.outputs] };
  },

  "relu": (layer, x) => eachValue(x, value => Math.max(value, 0)),
  "tanh": (layer, x) => eachValue(x, Math.tanh),
  "reshape": (layer, x) => ({ values: x.values, shape: [x.values.length / product(layer.size), ...layer.size] }),

  "scale"(layer, x) {
    const area = x.values.length / x.shape[0];
    return eachValue(x, (value, index) => {
      const channel = Math.floor(index / area);
      return weights[layer.weight + channel] * value + weights[layer.bias + channel];
    });
  },

  // Each pixel's channels with mean 0 and variance 1.
  "channel norm"(layer, x) {
    const channels = x.shape[0], area = x.values.length / channels, values = new Float64Array(x.values.length);
    for (let pixel = 0; pixel < area; pixel++) {
      let mean = 0, variance = 0;
      for (let c = 0; c < channels; c++) mean += x.values[c * area + pixel] / channels;
      for (let c = 0; c < channels; c++) variance += (x.values[c * area + pixel] - mean) ** 2 / channels;
      const scale = 1 / Math.sqrt(variance + layer.least);
      for (let c = 0; c < channels; c++) {
        const normal = (x.values[c * area + pixel] - mean) * scale;
        values[c * area + pixel] = weights[layer.weight + c] * normal + weights[layer.bias + c];
      }
    }
    return { values, shape: x.shape };
  },

  // Every output pixel gathers the pixels under its kernel.
  "convolution"(layer, x) {
    const { outputs, side, stride, padding } = layer, [inputs, height, width] = x.shape, given = x.values;
    const [high, wide] = [height, width].map(length => Math.floor((length + 2 * padding - side) / stride) + 1);
    const out = image(layer, high, wide), values = out.values;
    for (let tap = 0; tap < side * side; tap++) {
      const down = Math.floor(tap / side) - padding, right = tap % side - padding;
      const [top, bottom] = inside(high, stride, down, height), [first, end] = inside(wide, stride, right, width);
      for (let pair = 0; pair < outputs * inputs; pair++) {
        const output = Math.floor(pair / inputs), input = pair % inputs;
        const weight = weights[layer.weight + pair * side * side + tap];
        for (let row = top; row < bottom; row++) {
          const to = (output * high + row) * wide, from = (input * height + row * stride + down) * width + right;
          for (let at = first; at < end; at++) values[to + at] += weight * given[from + at * stride];
        }
      }
    }
    return out;
  },

  // Every input pixel adds its kernel to the output.
  "transposed convolution"(layer, x) {
    const { outputs, side, stride, padding } = layer, [inputs, height, width] = x.shape, given = x.values;
    const [high, wide] = [height, width].map(length => (length - 1) * stride - 2 * padding + side);
    const out = image(layer, high, wide), values = out.values;
    for (let tap = 0; tap < side * side; tap++) {
      const down = Math.floor(tap / side) - padding, right = tap % side - padding;
      const [top, bottom] = inside(height, stride, down, high), [first, end] = inside(width, stride, right, wide);
      for (let pair = 0; pair < inputs * outputs; pair++) {
        const input = Math.floor(pair / outputs), output = pair % outputs;
        const weight = weights[layer.weight + pair * side * side + tap];
        for (let row = top; row < bottom; row++) {
          const to = (output * high + row * stride + down) * wide + right, from = (input * height + row) * width;
          for (let at = first; at < end; at++) values[to + at * stride] += weight * given[from + at];
        }
      }
    }
    return out;
  },

  // Each pixel repeated, or what lies between the centres of two rows and two columns.
  "upsample"(layer, x) {
    const [channels, height, width] = x.shape, shape = [channels, height * layer.factor, width * layer.factor];
    const [rows, columns] = [height, width].map(length => Array.from({ length: length * layer.factor }, (none, index) => {
      const place = layer.smooth ? Math.max(0, (index + .5) / layer.factor - .5) : Math.floor(index / layer.factor);
      const first = Math.floor(place);
      return [first, Math.min(first + 1, length - 1), place - first];
    }));
    const values = new Float64Array(product(shape)).map((none, index) => {
      const channel = Math.floor(index / shape[1] / shape[2]) * height;
      const [top, bottom, down] = rows[Math.floor(index / shape[2]) % shape[1]];
      const [left, right, across] = columns[index % shape[2]];
      const [upper, lower] = [top, bottom].map(row => {
        const from = (channel + row) * width;
        return x.values[from + left] * (1 - across) + x.values[from + right] * across;
      });
      return upper * (1 - down) + lower * down;
    });
    return { values, shape };
  },

  "sum"(layer, x, asked) {
    const short = run(layer.short, x, asked), long = run(layer.long, x, asked);
    return eachValue(short, (value, index) => value + long.values[index]);
  },

  // The vector of a class in place of the last latent number, which decides the class if none is asked for.
  "class"(layer, x, asked) {
    const own = x.values.slice(0, -1), start = layer.weight + classOf(layer, x.values, asked) * layer.size;
    return flat([...own, ...weights.subarray(start, start + layer.size)]);
  },

  // Codes in place of the first latent numbers: classes as one number 1 among zeros, then uniform, then normal ones.
  "codes"(layer, x, asked) {
    const codes = codesOf(layer, x.values, asked), cells = [];
    codes.slice(0, layer.categorical).forEach(code => {
      for (let cell = 0; cell < layer.categories; cell++) cells.push(Number(cell === code));
    });
    return flat([...cells, ...codes.slice(layer.categorical), ...x.values.slice(codes.length)]);
  },

  // The end of a generator of tables: numbers, and of each block of levels the one with the largest score switched on.
  "levels"(layer, x, asked) {
    const noise = x.values.subarray(layer.own, layer.own + layer.noise);
    const own = [...x.values.slice(0, layer.own), ...x.values.slice(layer.own + layer.noise)];
    const values = run(layer.layers, flat(own), asked).values;
    let start = layer.numbers;
    for (const size of layer.blocks) {
      const score = index => {
        const place = start - layer.numbers + index, logit = values[start + index];
        const kept = Math.min(Math.max(logit, -layer.largest), layer.largest);
        return kept + weights[layer.offset + place] + gumbel(noise[place]);
      };
      const scores = Array.from({ length: size }, (none, index) => score(index)), most = Math.max(...scores);
      scores.forEach((one, index) => { values[start + index] = Number(one === most); });
      start += size;
    }
    layer.gates.forEach(([number, gate]) => { values[number] *= values[gate]; });
    return { values, shape: [values.length] };
  },

  // A Gaussian copula: correlated normal numbers, and of each column its quantile at their probability.
  "copula"(layer, x) {
    const columns = layer.places.length, given = x.values, values = new Float64Array(layer.width);
    const read = (table, column, at) => weights[table + column * layer.grid + at];
    layer.places.forEach((place, column) => {
      const row = layer.root + column * columns;
      const normal = given.reduce((sum, one, index) => sum + weights[row + index] * one, 0);
      const at = Math.min(Math.max(erfc(-normal / Math.SQRT2) * layer.grid / 2 - 0.5, 0), layer.grid - 1);
      const low = Math.floor(at), high = Math.ceil(at), near = rint(at), level = read(layer.levels, column, near);
      if (level >= 0) values[level] += 1;
      if (place < 0) return;
      const alike = read(layer.levels, column, low) === read(layer.levels, column, high);
      const first = read(layer.numbers, column, low), last = read(layer.numbers, column, high);
      values[place] = alike ? first + (at - low) * (last - first) : read(layer.numbers, column, near);
    });
    return { values, shape: [layer.width] };
  },
};

// An image of a convolution's biases.
function image(layer, height, width) {
  const values = new Float64Array(layer.outputs * height * width);
  for (let output = 0; output < layer.outputs; output++) {
    values.fill(weights[layer.bias + output], output * height * width, (output + 1) * height * width);
  }
  return { values, shape: [layer.outputs, height, width] };
}

// From which to before which of some pixels, `stride` apart from `shift` on, lie within a line of others.
function inside(count, stride, shift, length) {
  return [Math.max(0, Math.ceil(-shift / stride)), Math.min(count, Math.floor((length - 1 - shift) / stride) + 1)];
}

function classOf(layer, z, asked) {
  if (asked.label !== undefined && asked.label !== null) return asked.label;
  const chance = probability(z[z.length - 1]);
  return layer.ends.filter(end => end <= chance).length;
}

function codesOf(layer, z, asked) {
  const { categories, categorical, uniform, normal } = layer;
  return Array.from({ length: categorical + uniform + normal }, (none, index) => {
    const value = asked.codes ? asked.codes[index] : null;
    if (value !== null && value !== undefined) return value;
    if (index < categorical) return Math.min(Math.floor(probability(z[index]) * categories), categories - 1);
    return index < categorical + uniform ? 2 * probability(z[index]) - 1 : z[index];
  });
}
