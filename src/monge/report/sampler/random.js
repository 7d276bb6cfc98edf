"use strict";
// Random numbers as a function of (seed, purpose, sample, place), so that equal seeds give equal samples and nothing
// has to be remembered. It is Philox4x32-10 of Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as
// 1, 2, 3", with the seed as key; Box and Muller 1958 make normal numbers of its whole ones. torch's stream is another.
const PURPOSE = { latent: 0, kept: 1, rare: 2 };

// The upper half of the 64-bit product of two 32-bit whole numbers; Math.imul gives the lower one.
function upperHalf(a, b) {
  const aHigh = a >>> 16, aLow = a & 0xffff, bHigh = b >>> 16, bLow = b & 0xffff;
  const middle = aHigh * bLow + Math.floor(aLow * bLow / 0x10000), other = aLow * bHigh + middle % 0x10000;
  return aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000);
}

// Four 32-bit whole numbers for a counter of four and a key of two.
function philox(counter, key) {
  let [a, b, c, d] = counter, [first, second] = key;
  for (let round = 0; round < 10; round++) {
    const left = upperHalf(0xcd9e8d57, c) ^ b ^ first, right = upperHalf(0xd2511f53, a) ^ d ^ second;
    b = Math.imul(0xcd9e8d57, c) >>> 0;
    d = Math.imul(0xd2511f53, a) >>> 0;
    a = left >>> 0;
    c = right >>> 0;
    first = first + 0x9e3779b9 >>> 0;
    second = second + 0xbb67ae85 >>> 0;
  }
  return [a, b, c, d];
}

// Uniform numbers in (0, 1).
function uniform(seed, purpose, sample, count) {
  const out = [];
  for (let block = 0; out.length < count; block++) {
    out.push(...philox([block, sample, purpose, 0], [seed, 0]).map(word => (word + 0.5) / 2 ** 32));
  }
  return out.slice(0, count);
}

// Standard normal numbers, in single precision as torch has them.
function normal(seed, purpose, sample, count) {
  const flat = uniform(seed, purpose, sample, count + count % 2), out = new Float64Array(count);
  for (let index = 0; index < count; index++) {
    const pair = index - index % 2, radius = Math.sqrt(-2 * Math.log(flat[pair])), angle = 2 * Math.PI * flat[pair + 1];
    out[index] = Math.fround(radius * (index % 2 ? Math.sin(angle) : Math.cos(angle)));
  }
  return out;
}

// 2 / sqrt(pi) times the integral of exp(-t^2) from x on: near 0 by the series of its complement, all of whose terms
// have one sign, and further out by the continued fraction of Laplace.
function erfc(x) {
  if (x < 0) return 2 - erfc(-x);
  const weight = Math.exp(-x * x) / Math.sqrt(Math.PI);
  if (x < 2.5) {
    let term = 2 * x, sum = term;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 1 - weight * sum;
  }
  let below = x;
  for (let n = 60; n > 0; n--) below = x + n / 2 / below;
  return weight / below;
}

// The normal distribution function.
function probability(z) {
  return erfc(-z / Math.SQRT2) / 2;
}

// A standard Gumbel number made of a standard normal one.
function gumbel(z) {
  const beyond = Math.min(probability(-z), 1 - 2 ** -23);
  return -Math.log(-Math.log1p(-beyond));
}

// The nearest whole number, of two the even one, as numpy rounds.
function rint(x) {
  const below = Math.floor(x), rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}
