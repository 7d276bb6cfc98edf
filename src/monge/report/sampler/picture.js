"use strict";
// Pictures of samples on a canvas: a sheet of images, or points of the plane.
const GAP = 4, LEAST_SIDE = 56, PLANE = 640, MARGIN = 42;  // the plane has a margin on the left and below

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name);
}

// Grey levels or colours (red, green, blue, opacity) of an image (height, width, channels) in raw scale.
function shades(pixels) {
  const { channels, height, width, low, high } = codec, out = new Uint8ClampedArray(4 * height * width);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const level = channel => rint((pixels[pixel * channels + channel] - low) * 255 / (high - low));
    const rgb = channels > 2 ? [level(0), level(1), level(2)] : Array(3).fill(level(0));
    out.set([...rgb, channels % 2 ? 255 : level(channels - 1)], 4 * pixel);
  }
  return out;
}

// Images side by side, enlarged by whole factors; a frame shows that one was picked.
function sheet(canvas, columns, rows) {
  const { height, width } = codec, factor = Math.ceil(LEAST_SIDE / Math.max(height, width));
  const [high, wide] = [height * factor + GAP, width * factor + GAP], context = canvas.getContext("2d");
  const [broad, tall] = [columns * wide + GAP, rows * high + GAP];
  if (canvas.width !== broad || canvas.height !== tall) [canvas.width, canvas.height] = [broad, tall];
  const small = Object.assign(document.createElement("canvas"), { width, height });
  const corner = index => [index % columns * wide, Math.floor(index / columns) * high];
  return {
    put(index, pixels) {
      const [left, top] = corner(index);
      small.getContext("2d").putImageData(new ImageData(shades(pixels), width, height), 0, 0);
      context.clearRect(left, top, wide + GAP, high + GAP);
      context.imageSmoothingEnabled = false;
      context.drawImage(small, left + GAP, top + GAP, wide - GAP, high - GAP);
    },
    frame(index, dashed) {
      const [left, top] = corner(index);
      context.strokeStyle = colour("--excess");
      context.lineWidth = GAP;
      context.setLineDash(dashed ? [8, 6] : []);
      context.strokeRect(left + GAP / 2, top + GAP / 2, wide, high);
    },
  };
}

// The corners of a square around points, with room for others.
function framing(points) {
  const [middles, reaches] = [[], []];
  for (const axis of [0, 1]) {
    const along = points.map(point => point[axis]), [low, high] = [Math.min(...along), Math.max(...along)];
    middles.push((low + high) / 2);
    reaches.push((high - low) * 0.65 || 1);
  }
  const reach = Math.max(...reaches);
  return middles.map(middle => [middle - reach, middle + reach]);
}

// Points (n, 2) in a frame, a path with its two ends over them. Returns where the points are on the canvas.
function scatter(canvas, frame, points, path, ends) {
  const context = canvas.getContext("2d"), span = PLANE - MARGIN;
  const place = point => [0, 1].map(axis => {
    const share = (point[axis] - frame[axis][0]) / (frame[axis][1] - frame[axis][0]);
    return axis ? span * (1 - share) : MARGIN + span * share;
  });
  canvas.width = canvas.height = PLANE;
  context.fillStyle = colour("--bound");
  context.globalAlpha = 0.7;
  const places = points.map(place);
  const dot = ([x, y], radius) => {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  };
  places.forEach(one => dot(one, 3.2));
  context.globalAlpha = 1;
  context.strokeStyle = context.fillStyle = colour("--excess");
  context.lineWidth = 3.5;
  context.beginPath();
  path.map(place).forEach(([x, y]) => context.lineTo(x, y));
  context.stroke();
  ends.map(place).forEach(one => dot(one, 7));
  axes(context, frame, span);
  return places;
}

// A frame around the plane, with the coordinates of its sides and the names of the axes.
function axes(context, frame, span) {
  context.strokeStyle = colour("--line");
  context.lineWidth = 2;
  context.strokeRect(MARGIN, 1, span - 1, span - 1);
  context.fillStyle = colour("--soft");
  context.font = "21px system-ui, sans-serif";
  frame.forEach((sides, axis) => {
    context.save();
    if (axis) {
      context.translate(0, PLANE);
      context.rotate(-Math.PI / 2);
    }
    [...sides.map(side => String(Number(side.toPrecision(3)))), codec.names[axis]].forEach((text, index) => {
      context.textAlign = ["left", "right", "center"][index];
      context.fillText(text, [MARGIN, PLANE - 2, MARGIN + span / 2][index], axis ? MARGIN - 12 : PLANE - 12);
    });
    context.restore();
  });
}
