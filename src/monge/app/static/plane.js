// A training in the plane: the critic's surface, points, arrows, the generator's grid, the coupling.

const TICKS = 32;
const LINES = 17;

/** A colour of the page's style. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A canvas's context in which lengths are those of the page, with its width and height there. */
export function context(canvas) {
  const scale = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const drawing = canvas.getContext("2d");
  drawing.setTransform(scale, 0, 0, scale, 0, 0);
  drawing.clearRect(0, 0, width, height);
  return { drawing, width, height };
}

/** Draws what is shown of one side; `get` gives its arrays by name, or nothing. */
export function drawPlane(canvas, scene, get, shown) {
  const { drawing, width } = context(canvas);
  const [left, bottom, side] = scene.box;
  const x = (value) => ((value - left) / side) * width;
  const y = (value) => width - ((value - bottom) / side) * width;
  const tools = { drawing, width, x, y };
  if (shown.slope && get("slope")) slopeMap(tools, get("slope"));
  else if (shown.surface && get("surface")) valueMap(tools, get("surface"));
  if (shown.warp && get("warp")) warped(tools, get("warp"));
  const points = get("points");
  if (shown.coupling && get("coupling")) coupled(tools, points, scene.held_out, get("coupling"));
  if (shown.real) realPoints(tools, shown.coupling ? scene.held_out : scene.train);
  if (shown.generated) generatedPoints(tools, points);
  if (shown.arrows && get("arrows")) arrows(tools, points, get("arrows"));
}

function valueMap(tools, values) {
  const sorted = Float32Array.from(values).sort();
  const middle = sorted[sorted.length >> 1];
  const reach = Math.max(sorted[sorted.length - 1] - middle, middle - sorted[0], 1e-12);
  paint(tools, values, (value) => (value - middle) / reach);
  tools.drawing.strokeStyle = colour("soft");
  tools.drawing.lineWidth = 0.8;
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  for (let level = 1; level < 8; level += 1) contour(tools, values, low + ((high - low) * level) / 8);
}

function slopeMap(tools, slopes) {
  paint(tools, slopes, (slope) => Math.max(-1, Math.min(1, Math.log2(Math.max(slope, 1e-6)) / 3)));
  const { drawing } = tools;
  drawing.strokeStyle = colour("ink");
  for (const [level, thick, dash] of [[1, 2.2, []], [0.5, 1, [4, 4]], [2, 1, [1, 3]]]) {
    drawing.lineWidth = thick;
    drawing.setLineDash(dash);
    contour(tools, slopes, level);
  }
  drawing.setLineDash([]);
}

/** Colours the square by values from -1 to 1. */
function paint({ drawing, width }, values, share) {
  const [low, even, high] = ["low", "even", "high"].map((name) => rgb(colour(name)));
  const image = new ImageData(TICKS, TICKS);
  values.forEach((value, index) => {
    const part = share(value);
    const end = part < 0 ? low : high;
    const row = TICKS - 1 - Math.floor(index / TICKS);
    const at = 4 * (row * TICKS + (index % TICKS));
    for (let channel = 0; channel < 3; channel += 1) {
      image.data[at + channel] = even[channel] + (end[channel] - even[channel]) * Math.abs(part) * 0.8;
    }
    image.data[at + 3] = 255;
  });
  const small = document.createElement("canvas");
  [small.width, small.height] = [TICKS, TICKS];
  small.getContext("2d").putImageData(image, 0, 0);
  drawing.imageSmoothingEnabled = true;
  drawing.drawImage(small, 0, 0, width, width);
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** The line along which values on the grid are at a level: marching squares, a segment or two in each cell. */
function contour({ drawing, width }, values, level) {
  const cell = width / TICKS;
  const place = (column, row) => [(column + 0.5) * cell, width - (row + 0.5) * cell];
  drawing.beginPath();
  for (let row = 0; row < TICKS - 1; row += 1) {
    for (let column = 0; column < TICKS - 1; column += 1) {
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
      const heights = corners.map(([i, j]) => values[j * TICKS + i] - level);
      const crossings = [];
      for (let edge = 0; edge < 4; edge += 1) {
        const [a, b] = [heights[edge], heights[(edge + 1) % 4]];
        if (a < 0 === b < 0) continue;
        const part = a / (a - b);
        const [from, to] = [place(...corners[edge]), place(...corners[(edge + 1) % 4])];
        crossings.push([from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])]);
      }
      for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
        drawing.moveTo(...crossings[pair]);
        drawing.lineTo(...crossings[pair + 1]);
      }
    }
  }
  drawing.stroke();
}

function warped({ drawing, x, y }, grid) {
  drawing.strokeStyle = colour("tone");
  drawing.lineWidth = 0.9;
  drawing.beginPath();
  const at = (row, column) => 2 * (row * LINES + column);
  for (let line = 0; line < LINES; line += 1) {
    for (let step = 0; step < LINES; step += 1) {
      const go = step ? "lineTo" : "moveTo";
      drawing[go](x(grid[at(line, step)]), y(grid[at(line, step) + 1]));
    }
    for (let step = 0; step < LINES; step += 1) {
      const go = step ? "lineTo" : "moveTo";
      drawing[go](x(grid[at(step, line)]), y(grid[at(step, line) + 1]));
    }
  }
  drawing.stroke();
}

function coupled({ drawing, x, y }, points, real, targets) {
  drawing.strokeStyle = colour("soft");
  drawing.lineWidth = 0.8;
  drawing.beginPath();
  targets.forEach((target, index) => {
    drawing.moveTo(x(points[2 * index]), y(points[2 * index + 1]));
    drawing.lineTo(x(real[2 * target]), y(real[2 * target + 1]));
  });
  drawing.stroke();
}

/** Hollow circles. */
function realPoints({ drawing, x, y }, points) {
  drawing.strokeStyle = colour("real");
  drawing.lineWidth = 1.2;
  drawing.beginPath();
  for (let index = 0; index < points.length; index += 2) {
    const [across, down] = [x(points[index]), y(points[index + 1])];
    drawing.moveTo(across + 2.6, down);
    drawing.arc(across, down, 2.6, 0, 2 * Math.PI);
  }
  drawing.stroke();
}

/** Filled triangles. */
function generatedPoints({ drawing, x, y }, points) {
  drawing.fillStyle = colour("fake");
  drawing.beginPath();
  for (let index = 0; index < points.length; index += 2) {
    const [across, down] = [x(points[index]), y(points[index + 1])];
    drawing.moveTo(across, down - 3.6);
    drawing.lineTo(across + 3.2, down + 2.4);
    drawing.lineTo(across - 3.2, down + 2.4);
  }
  drawing.fill();
}

const UNIT = 34;

/** The length of the steepest arrow: 1 where the critic's slope is 1. */
export function steepest(slopes) {
  let most = 0;
  for (let index = 0; index < slopes.length; index += 2) most = Math.max(most, Math.hypot(slopes[index], slopes[index + 1]));
  return most;
}

/** A slope of 1 is 34 pixels long, steeper ones at most twice that; where there is none, there is no arrow. */
function arrows({ drawing, x, y }, points, slopes) {
  const most = steepest(slopes);
  const unit = UNIT / Math.max(1, most / 2);
  drawing.strokeStyle = colour("ink");
  drawing.lineWidth = 1.3;
  drawing.beginPath();
  for (let index = 0; index < slopes.length; index += 2) {
    const [dx, dy] = [slopes[index] * unit, -slopes[index + 1] * unit];
    if (Math.hypot(dx, dy) < 2) continue;
    const [across, down] = [x(points[index]), y(points[index + 1])];
    const angle = Math.atan2(dy, dx);
    drawing.moveTo(across, down);
    drawing.lineTo(across + dx, down + dy);
    for (const turn of [2.6, -2.6]) {
      drawing.moveTo(across + dx, down + dy);
      drawing.lineTo(across + dx + 5 * Math.cos(angle + turn), down + dy + 5 * Math.sin(angle + turn));
    }
  }
  drawing.stroke();
}
