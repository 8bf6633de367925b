/**
 * The sums of the map without a canvas: what is fetched, which keyframes surround an epoch, what is in a lasso.
 *
 * app/map/keyframes.py and app/map/lasso.py do the same sums in the same order on unrounded places, so that both
 * sides agree on all but points on the very line. This file is served in front of index.js as one module.
 */

const GRID = 65535; // positions are shares of one square frame in 16 bits
const OUTERMOST = 0.005; // share of the points beyond each edge of the first view
const LEGEND_SHARE = 0.1; // of the width by which the middle of the map steps aside
const EDGE = 12; // pixels that stay free beside a map that steps aside
const LASSO_CORNERS = 96; // more would only lengthen the address of the page
const LASSO_DIGITS = 6; // app/map/lasso.py reads and writes as many

/** Fetches bytes once per address; the address carries the data version, so an answer never ages. */
const answers = new Map();
function fetchBytes(address) {
  if (!answers.has(address)) {
    const answer = fetch(address).then(async (response) => {
      if (!response.ok) throw new Error(await response.text());
      return response.arrayBuffer();
    });
    answer.catch(() => answers.delete(address)); // a failure may be over at the next try
    answers.set(address, answer);
    if (answers.size > 16) answers.delete(answers.keys().next().value);
  }
  return answers.get(address);
}

/** Finds the keyframes around an epoch; keyframes stand at any epochs, not at a constant step. */
function momentAt(epochs, epoch) {
  const last = epochs.length - 1;
  let from = 0;
  while (from < last && epochs[from + 1] <= epoch) from++;
  const to = Math.min(last, from + 1);
  const share = to > from ? clamp((epoch - epochs[from]) / (epochs[to] - epochs[from]), 0, 1) : 0;
  return { from, to, share };
}

/** Turns shares of the frame into map units, which stay what they are when a new map widens the frame. */
const toUnits = (shares, { low, side }) => shares.map((share, axis) => low[axis] + share * side);

/** True where the point is inside the polygon (even-odd rule). */
function isInside(x, y, polygon) {
  let inside = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i], [xj, yj] = polygon[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Thins a drawn line out to the corners that are sent, and shown. */
function simplify(line, shortest) {
  const corners = [line[0]];
  for (const place of line) {
    const [x, y] = corners.at(-1);
    if (Math.hypot(place[0] - x, place[1] - y) >= shortest) corners.push(place);
  }
  const step = Math.ceil(corners.length / LASSO_CORNERS);
  return corners.filter((_, i) => i % step === 0);
}

const formatNumber = (value) =>
  value !== 0 && (Math.abs(value) < 0.01 || Math.abs(value) >= 1e4) ? value.toExponential(1) : value.toPrecision(3);

/** The view that shows all but the outermost points of all keyframes, so that a few strays do not shrink the rest. */
function viewOfMost(positions) {
  const counts = [new Uint32Array(256), new Uint32Array(256)], points = positions.length / 2;
  positions.forEach((place, i) => (counts[i & 1][place >> 8] += 1));
  const ends = counts.map((axis) => [quantileStep(axis, OUTERMOST * points), quantileStep(axis, (1 - OUTERMOST) * points)]);
  const [x, y] = ends.map(([low, high]) => (low + high) / 2);
  const side = Math.max(...ends.map(([low, high]) => high - low)) + 0.06;
  return { x, y, zoom: clamp(1 / side, 1, 4) };
}

/** Finds the middle of the step, of 256, below which so many are counted, as a share of the axis. */
function quantileStep(counts, wanted) {
  let sum = 0, step = 0;
  while (step < 255 && sum + counts[step] < wanted) sum += counts[step++];
  return (step + 0.5) / 256;
}

/** Which part of the square frame is seen. Pixels are those of the canvas, y pointing down. */
class Camera {
  constructor() {
    this.home = { x: 0.5, y: 0.5, zoom: 1 };
    this.reset();
  }

  reset() {
    Object.assign(this, this.home);
  }

  /** Changes the first view; who looks elsewhere already is not moved. */
  setHome(view) {
    const isAtHome = this.x === this.home.x && this.y === this.home.y && this.zoom === this.home.zoom;
    this.home = view;
    if (isAtHome) this.reset();
  }

  /** Returns the factors from frame to pixels: x * scale + left, top - y * scale. */
  pixels({ width, height }) {
    const side = Math.min(width, height) * 0.94, scale = side * this.zoom;
    const room = Math.max(0, (width - side) / 2 - EDGE);
    const middle = width / 2 - Math.min(room, width * LEGEND_SHARE); // the legend stands on the right
    return { scale, left: middle - scale * this.x, top: height / 2 + scale * this.y };
  }

  toFrame([px, py], canvas) {
    const { scale, left, top } = this.pixels(canvas);
    return [(px - left) / scale, (top - py) / scale];
  }

  pan([fromX, fromY], [toX, toY], canvas) {
    const { scale } = this.pixels(canvas);
    this.x -= (toX - fromX) / scale;
    this.y += (toY - fromY) / scale;
  }

  zoomAround(place, factor, canvas) {
    const [x, y] = this.toFrame(place, canvas);
    this.zoom = clamp(this.zoom * factor, 0.8, 60);
    const [movedX, movedY] = this.toFrame(place, canvas);
    this.x += x - movedX;
    this.y += y - movedY;
  }
}
