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
    const inputs = x.values.length, values = new Float64Array(layer.outputs);
    for (let output = 0; output < layer.outputs; output++) {
      const row = layer.weight + output * inputs;
      let sum = weights[layer.bias + output];
      for (let input = 0; input < inputs; input++) sum += weights[row + input] * x.values[input];
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
    const { outputs, side, stride, padding } = layer, [inputs, height, width] = x.shape;
    const high = Math.floor((height + 2 * padding - side) / stride) + 1;
    const wide = Math.floor((width + 2 * padding - side) / stride) + 1;
    const out = image(layer, high, wide);
    taps(outputs, inputs, side, (output, input, down, right, tap) => {
      const weight = weights[layer.weight + (output * inputs + input) * side * side + tap];
      for (let row = 0; row < high; row++) {
        const from = row * stride - padding + down;
        if (from < 0 || from >= height) continue;
        for (let column = 0; column < wide; column++) {
          const across = column * stride - padding + right;
          if (across < 0 || across >= width) continue;
          out.values[(output * high + row) * wide + column] += weight * x.values[(input * height + from) * width + across];
        }
      }
    });
    return out;
  },

  // Every input pixel adds its kernel to the output.
  "transposed convolution"(layer, x) {
    const { outputs, side, stride, padding } = layer, [inputs, height, width] = x.shape;
    const high = (height - 1) * stride - 2 * padding + side, wide = (width - 1) * stride - 2 * padding + side;
    const out = image(layer, high, wide);
    taps(outputs, inputs, side, (output, input, down, right, tap) => {
      const weight = weights[layer.weight + (input * outputs + output) * side * side + tap];
      for (let row = 0; row < height; row++) {
        const to = row * stride - padding + down;
        if (to < 0 || to >= high) continue;
        for (let column = 0; column < width; column++) {
          const across = column * stride - padding + right;
          if (across < 0 || across >= wide) continue;
          out.values[(output * high + to) * wide + across] += weight * x.values[(input * height + row) * width + column];
        }
      }
    });
    return out;
  },

  "upsample"(layer, x) {
    const [channels, height, width] = x.shape, shape = [channels, height * layer.factor, width * layer.factor];
    const values = new Float64Array(product(shape)).map((none, index) => {
      const row = Math.floor(index / shape[2] / layer.factor), column = Math.floor(index % shape[2] / layer.factor);
      return x.values[row * width + column];
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
    return { values, shape: x.shape };
  },

  // A Gaussian copula: correlated normal numbers, and of each column its quantile at their probability.
  "copula"(layer, x) {
    const columns = layer.places.length, values = new Float64Array(layer.width);
    const read = (table, column, at) => weights[table + column * layer.grid + at];
    layer.places.forEach((place, column) => {
      let normal = 0;
      for (let other = 0; other < columns; other++) normal += weights[layer.root + column * columns + other] * x.values[other];
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

// All places of a kernel for all pairs of channels.
function taps(outputs, inputs, side, visit) {
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      for (let tap = 0; tap < side * side; tap++) visit(output, input, Math.floor(tap / side), tap % side, tap);
    }
  }
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
