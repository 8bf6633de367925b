/**
 * What is written on and beside the points: legend, class names, trails, the tip under the pointer.
 *
 * Each takes what it shows as arguments and knows nothing of epochs or the page. Text is set as text, never
 * as markup: class names come from data sets. This file is served in front of index.js as one module.
 */

const NAMED_CLASSES = 20; // more names than these would cover the points
const LONGEST_NAME = 24; // characters of a name among the points; the legend has all of it on hover

function element(tag, attributes, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function swatch(colour, kind = "") {
  const made = element("i", { className: kind });
  if (colour) made.style.background = css(colour);
  return made;
}

const entry = (mark, words) => element("div", { className: "entry" }, mark, words);

/** The legend of points: the ramp with its ends, or the classes, then what the marks mean. */
function legendOfPoints(page, { palette, isolated, hasUnknown }, isolate) {
  const { colouring } = page, parts = [element("b", { textContent: colouring.label })];
  if (colouring.kind === "class") parts.push(classList(page.classes, palette, isolated, isolate));
  else if (colouring.low === null) parts.push(element("small", { textContent: "no value in any of these epochs" }));
  else {
    const ends = [`≤ ${formatNumber(colouring.low)}`, `≥ ${formatNumber(colouring.high)}`];
    parts.push(...rampWithEnds(palette.ramp, ends), element("small", { textContent: colouring.note }));
  }
  if (hasUnknown) parts.push(entry(swatch(palette.unknown), "unknown"));
  if (page.kept === "ring") parts.push(entry(swatch(null, "ring"), "kept"));
  if (page.kept === "dim") parts.push(entry(swatch(mix(palette.background, palette.ink, 0.2)), "dropped"));
  if (page.mark in MARKS) parts.push(entry(swatch(null, "cross"), MARKS[page.mark][1]));
  return parts;
}

function legendOfDensity(palette) {
  return [element("b", { textContent: "Points per area" }), ...rampWithEnds(palette.sequential, ["few", "many"])];
}

function rampWithEnds(ramp, ends) {
  const strip = element("div", { className: "ramp" });
  strip.style.background = `linear-gradient(90deg, ${ramp.map(css).join()})`;
  return [strip, element("div", { className: "ends" }, ...ends.map((textContent) => element("span", { textContent })))];
}

function classList(names, palette, isolated, isolate) {
  const isLong = names.some((name) => name.length > 9);
  return element("div", { className: isLong ? "classes long" : "classes" }, ...names.map((name, code) => {
    const words = element("span", { textContent: name });
    const button = element("button", { type: "button", title: `Show only ${name}` }, swatch(palette.ofClass(code)), words);
    button.setAttribute("aria-pressed", isolated === code);
    button.onclick = () => isolate(isolated === code ? null : code);
    return button;
  }));
}

/** The median place of each class at one keyframe, from 256 steps an axis; wrong labels hardly move a median. */
function classCentres(positions, codes, classes) {
  const counts = [0, 1].map(() => Array.from({ length: classes }, () => new Uint32Array(256)));
  const sizes = new Uint32Array(classes);
  codes.forEach((code, row) => {
    if (code >= classes) return;
    sizes[code] += 1;
    for (const axis of [0, 1]) counts[axis][code][positions[2 * row + axis] >> 8] += 1;
  });
  return Array.from(sizes, (size, code) => (size ? counts.map((axis) => quantileStep(axis[code], size / 2)) : null));
}

/** Writes the name of a class at its centre, or below the names that stand there: taken holds their places. */
function drawName(pen, text, [x, centre], { palette, ratio, taken }) {
  pen.font = `600 ${12 * ratio}px ${pen.family}`;
  Object.assign(pen, { textAlign: "center", textBaseline: "middle", lineJoin: "round", lineWidth: 4 * ratio });
  pen.strokeStyle = css(palette.background);
  pen.fillStyle = css(palette.ink);
  const shown = text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text;
  const half = pen.measureText(shown).width / 2, height = 15 * ratio;
  const y = freeLine([x, centre], half, { taken, height });
  taken.push({ x, y, half });
  pen.strokeText(shown, x, y);
  pen.fillText(shown, x, y);
}

function freeLine([x, y], half, { taken, height }) {
  const below = taken.find((name) => Math.abs(name.y - y) < height - 0.5 && Math.abs(name.x - x) < name.half + half);
  return below ? freeLine([x, below.y + height], half, { taken, height }) : y;
}

/** Where one sample came from: a line through its last places that fades towards the past. */
function drawTrail(pen, places, { palette, ratio }) {
  Object.assign(pen, { lineWidth: 1.5 * ratio, strokeStyle: css(palette.ink), lineCap: "round" });
  for (let i = 1; i < places.length; i++) {
    pen.globalAlpha = 0.15 + 0.65 * (i / (places.length - 1));
    pen.beginPath();
    pen.moveTo(...places[i - 1]);
    pen.lineTo(...places[i]);
    pen.stroke();
  }
  pen.globalAlpha = 1;
  drawRing(pen, places.at(-1), { palette, ratio });
}

function drawRing(pen, [x, y], { palette, ratio }) {
  pen.beginPath();
  pen.arc(x, y, 5 * ratio, 0, 2 * Math.PI);
  Object.assign(pen, { lineWidth: 3.5 * ratio, strokeStyle: css(palette.background) });
  pen.stroke();
  Object.assign(pen, { lineWidth: 1.5 * ratio, strokeStyle: css(palette.accent) });
  pen.stroke();
}

function drawLasso(pen, stroke, { palette, ratio }) {
  pen.beginPath();
  for (const place of stroke) pen.lineTo(...place);
  pen.closePath();
  pen.fillStyle = `rgba(${palette.accent.join()}, 0.12)`;
  pen.fill();
  Object.assign(pen, { lineWidth: 1.5 * ratio, strokeStyle: css(palette.accent) });
  pen.setLineDash([6 * ratio, 4 * ratio]);
  pen.stroke();
  pen.setLineDash([]);
}

/** The card under the pointer: picture, id, and a few lines of text. */
class Tip {
  constructor(node, stage) {
    [this.node, this.stage] = [node, stage];
    [this.image, this.words] = [node.querySelector("img"), node.querySelector(".words")];
  }

  show([x, y], address, lines) {
    this.node.style.display = "flex";
    const shown = [address, ...lines].join("\n");
    if (this.shown !== shown) {
      this.shown = shown;
      this.image.hidden = !address; // a run without thumbnails
      if (address) this.image.src = address;
      this.words.replaceChildren(...lines.map((textContent) => element("div", { textContent })));
    }
    const [width, height] = [this.node.offsetWidth, this.node.offsetHeight];
    const fits = x + 14 + width < this.stage.clientWidth;
    this.node.style.left = `${Math.max(4, fits ? x + 14 : x - 14 - width)}px`;
    this.node.style.top = `${clamp(y + 14, 4, this.stage.clientHeight - height - 4)}px`;
  }

  hide() {
    this.node.style.display = "none";
    this.shown = null;
  }
}
