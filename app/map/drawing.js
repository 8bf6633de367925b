/**
 * How the map is drawn: the theme's colours as pixels, a raster of points, a density with contours.
 *
 * Points are stamped straight into ImageData: 50,000 of them move at 50 to 60 frames a second on two
 * cores without a GPU, where software WebGL reaches 15. This file is served in front of index.js as one module.
 */

const UNKNOWN = 255; // the value byte that says "no value in this epoch"
const CONTOURS = [0.12, 0.28, 0.45, 0.62, 0.8]; // shares of the highest density, on a square-root scale

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const mix = (one, other, share) => one.map((channel, i) => Math.round(channel + (other[i] - channel) * share));
const pack = ([red, green, blue]) => 0xff000000 | (blue << 16) | (green << 8) | red; // little-endian RGBA
const css = (colour) => `rgb(${colour.join()})`;

/** The colours of the theme, as numbers that can be written into pixels. */
class Palette {
  constructor(root, colouring) {
    const style = getComputedStyle(root), scratch = document.createElement("canvas").getContext("2d");
    const parse = (text) => {
      scratch.fillStyle = text.trim(); // the canvas turns any CSS colour into #rrggbb
      return [1, 3, 5].map((at) => parseInt(scratch.fillStyle.slice(at, at + 2), 16));
    };
    const list = (name) => style.getPropertyValue(`--st-chart-${name}-colors`).split(",").map(parse);
    this.background = parse(style.getPropertyValue("--st-background-color"));
    this.ink = parse(style.getPropertyValue("--st-text-color"));
    this.accent = parse(style.getPropertyValue("--st-primary-color"));
    this.unknown = mix(parse(style.getPropertyValue("--st-gray-color")), this.background, 0.45);
    this.ramp = colouring.kind === "diverging" ? list("diverging") : list("sequential");
    this.classes = list("categorical");
    this.bright = new Uint32Array(256);
    this.dim = new Uint32Array(256);
    for (let code = 0; code < 256; code++) {
      const colour = code === UNKNOWN ? this.unknown : colouring.kind === "class"
        ? this.ofClass(code) : this.along(this.ramp, code / 254);
      this.bright[code] = pack(colour);
      this.dim[code] = pack(mix(this.background, colour, 0.2));
    }
    this.sequential = list("sequential");
    this.density = Uint32Array.from({ length: 256 }, (_, level) =>
      pack(mix(this.background, this.along(this.sequential, level / 255), level < 5 ? 0 : Math.min(1, level / 85))));
  }

  /** Colours past the palette repeat it, paler and then darker; names at the centroids tell them apart. */
  ofClass(code) {
    const colour = this.classes[code % this.classes.length], cycle = Math.floor(code / this.classes.length) % 3;
    return cycle === 0 ? colour : mix(colour, cycle === 1 ? this.background : this.ink, 0.42);
  }

  along(ramp, share) {
    const place = share * (ramp.length - 1), low = Math.min(ramp.length - 2, Math.floor(place));
    return mix(ramp[low], ramp[low + 1], place - low);
  }
}

/** A canvas whose pixels are written directly. */
class Raster {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
  }

  resize(width, height) {
    this.width = this.canvas.width = width;
    this.height = this.canvas.height = height;
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** Stamps a disc of a diameter around a pixel; discs that cross the edge are left out. */
  dot(x, y, size, colour) {
    const { width, pixels } = this, left = x - (size >> 1), top = y - (size >> 1), insets = discInsets(size);
    if (left < 0 || top < 0 || left > width - size || top > this.height - size) return;
    let offset = top * width + left;
    for (let line = 0; line < size; line++, offset += width) {
      const end = offset + size - insets[line];
      for (let pixel = offset + insets[line]; pixel < end; pixel++) pixels[pixel] = colour;
    }
  }

  cross(x, y, arm, thickness, { ink, halo }) {
    for (const [extra, colour] of [[1, halo], [0, ink]]) {
      for (let step = -arm; step <= arm; step++) {
        this.dot(x + step, y + step, thickness + 2 * extra, colour);
        this.dot(x + step, y - step, thickness + 2 * extra, colour);
      }
    }
  }

  show() {
    this.context.putImageData(this.image, 0, 0);
  }
}

/** How many pixels each line of a disc leaves free at its ends; computed once a size. */
const insetsOfSizes = [];
function discInsets(size) {
  const radius = size / 2;
  const inset = (line) => Math.round(radius - Math.sqrt(radius ** 2 - (line + 0.5 - radius) ** 2));
  return (insetsOfSizes[size] ??= Array.from({ length: size }, (_, line) => (size < 3 ? 0 : inset(line))));
}

/** Where points are crowded: a blurred histogram with contour lines, light enough to be drawn while playing. */
class Density {
  resize(width, height) {
    this.canvas = Object.assign(document.createElement("canvas"), { width, height });
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    [this.width, this.height] = [width, height];
    [this.counts, this.scratch] = [new Float32Array(width * height), new Float32Array(width * height)];
  }

  draw(context, palette) {
    for (let pass = 0; pass < 3; pass++) this.blur(2); // three box blurs come close to a Gaussian
    const highest = Math.sqrt(this.counts.reduce((most, count) => Math.max(most, count), 0)) || 1;
    const pixels = new Uint32Array(this.image.data.buffer);
    for (let i = 0; i < pixels.length; i++) {
      this.counts[i] = Math.sqrt(this.counts[i]) / highest;
      pixels[i] = palette.density[Math.round(this.counts[i] * 255)];
    }
    this.context.putImageData(this.image, 0, 0);
    const { width, height } = context.canvas;
    Object.assign(context, { imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
    context.drawImage(this.canvas, 0, 0, width, height);
    context.strokeStyle = css(palette.ink);
    context.lineWidth = height / this.height / 5;
    context.globalAlpha = 0.45;
    context.beginPath();
    for (const level of CONTOURS) this.traceContour(context, level);
    context.stroke();
    context.globalAlpha = 1;
  }

  blur(radius) {
    const { width, height, counts, scratch } = this;
    blurLines(counts, scratch, { lines: height, length: width, stride: 1, jump: width, radius });
    blurLines(scratch, counts, { lines: width, length: height, stride: width, jump: 1, radius });
  }

  /** Marching squares: each cell's edges are cut where the level lies between their ends. */
  traceContour(context, level) {
    const { width, height, counts } = this;
    const [sx, sy] = [context.canvas.width / width, context.canvas.height / height];
    for (let y = 0; y < height - 1; y++) {
      for (let x = 0; x < width - 1; x++) {
        const at = y * width + x, a = counts[at], b = counts[at + 1], c = counts[at + width + 1], d = counts[at + width];
        const above = (a > level) + (b > level) + (c > level) + (d > level);
        if (above === 0 || above === 4) continue;
        const cuts = [];
        if (a > level !== b > level) cuts.push([x + (level - a) / (b - a), y]);
        if (b > level !== c > level) cuts.push([x + 1, y + (level - b) / (c - b)]);
        if (d > level !== c > level) cuts.push([x + (level - d) / (c - d), y + 1]);
        if (a > level !== d > level) cuts.push([x, y + (level - a) / (d - a)]);
        cuts.forEach(([cx, cy], i) => context[i % 2 ? "lineTo" : "moveTo"]((cx + 0.5) * sx, (cy + 0.5) * sy));
      }
    }
  }
}

function blurLines(source, target, { lines, length, stride, jump, radius }) {
  const share = 1 / (2 * radius + 1);
  for (let line = 0; line < lines; line++) {
    const start = line * jump;
    let sum = 0;
    for (let i = -radius; i <= radius; i++) sum += source[start + clamp(i, 0, length - 1) * stride];
    for (let i = 0; i < length; i++) {
      target[start + i * stride] = sum * share;
      sum += source[start + Math.min(length - 1, i + radius + 1) * stride] - source[start + Math.max(0, i - radius) * stride];
    }
  }
}
