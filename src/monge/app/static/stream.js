// Messages of a lab as they arrive: a length, a JSON header, and arrays of numbers (see monge.app.lab.message).

/** Header and arrays of each message of a response, in order. */
export async function* messages(response) {
  const reader = response.body.getReader();
  let held = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(held.length + value.length);
    joined.set(held);
    joined.set(value, held.length);
    held = joined;
    while (held.length >= 8) {
      const view = new DataView(held.buffer, held.byteOffset);
      const size = 4 + view.getUint32(0, true);
      if (held.length < size) break;
      yield unpacked(held.slice(0, size));
      held = held.subarray(size);
    }
  }
}

function unpacked(bytes) {
  const length = new DataView(bytes.buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const arrays = {};
  let at = 8 + length;
  for (const [name, shape] of Object.entries(header.arrays)) {
    const count = shape.reduce((product, side) => product * side, 1);
    arrays[name] = new Float32Array(bytes.buffer, at, count);
    at += 4 * count;
  }
  return { header, arrays };
}
