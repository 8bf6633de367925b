/**
 * One moment of the map as pixels: points or density, and above them trails, class names, lasso and pointer.
 *
 * It holds the bytes of all keyframes and knows which samples are selected or set apart; it asks for nothing and
 * sends nothing. This file is served in front of index.js as one module.
 */

const KEPT = 1, FLIPPED = 2, SUSPECT = 4; // bits of a flag byte
const DIMMED = 0, PLAIN = 1, RINGED = 2; // how a point is drawn
const MARKS = { suspects: [SUSPECT, "suspect"], flipped: [FLIPPED, "flipped label"] };
const TRAIL_SAMPLES = 50, TRAIL_KEYFRAMES = 8; // more of them, or longer ones, become a tangle
const REACH_PIXELS = 8; // a point is met within this distance of the pointer

class Picture {
  constructor(stage) {
    this.stage = stage;
    this.raster = new Raster(stage.querySelector(".points"));
    this.overlay = stage.querySelector(".overlay");
    this.pen = this.overlay.getContext("2d");
    this.density = new Density();
    this.camera = new Camera();
    this.isolated = null;
    this.hovered = -1;
  }

  /** Takes the page's settings and its bytes: ids (n) 32 bit, positions (K, n, 2) 16 bit, the rest 8 bit. */
  take(page, [ids, positions, flags, labels, values]) {
    const shown = page.urls.values + page.urls.ids;
    if (this.shown !== shown) [this.shown, this.centres, this.isolated] = [shown, new Map(), null];
    this.page = page;
    this.ids = new Uint32Array(ids);
    this.rows = this.ids.length;
    if (this.places !== positions) {
      [this.places, this.positions] = [positions, new Uint16Array(positions)];
      this.camera.setHome(viewOfMost(this.positions));
    }
    [this.flags, this.labels, this.values] = [flags, labels, values].map((bytes) => new Uint8Array(bytes));
    this.hasUnknown = this.values.includes(UNKNOWN);
    this.palette = new Palette(this.stage, page.colouring);
    if (this.selected?.length !== this.rows) this.select(() => false);
  }

  select(isChosen) {
    this.selected = Uint8Array.from({ length: this.rows }, (_, row) => (isChosen(row) ? 1 : 0));
    this.selectedCount = this.selected.reduce((count, bit) => count + bit, 0);
  }

  /** Fits the canvases to the stage: sharp when still, at one pixel a point of the screen when moving. */
  resize(isMoving) {
    const { width, height } = this.stage.getBoundingClientRect();
    this.ratio = isMoving ? 1 : Math.min(2, devicePixelRatio || 1);
    const size = { width: Math.round(width * this.ratio), height: Math.round(height * this.ratio) };
    if (this.raster.width === size.width && this.raster.height === size.height) return;
    this.raster.resize(size.width, size.height);
    Object.assign(this.overlay, size);
    this.density.resize(Math.ceil(width / 4), Math.ceil(height / 4));
  }

  draw(epoch) {
    this.moment = momentAt(this.page.epochs, epoch);
    this.styleRows();
    if (this.isDense) this.paintDensity();
    else this.paintPoints();
    this.drawOverlay();
  }

  /** Decides for each row whether it is dimmed, plain or ringed, and which colour it has. */
  styleRows() {
    const { rows, values, flags, selected, selectedCount, isolated, page } = this, { from, to, share } = this.moment;
    if (this.styles?.length !== rows) [this.styles, this.codes] = [new Uint8Array(rows), new Uint8Array(rows)];
    const isFixed = values.length === rows, isClass = page.colouring.kind === "class"; // a class has no in-between
    const a = isFixed ? 0 : from * rows, b = isFixed || isClass ? a : to * rows;
    for (let row = 0; row < rows; row++) {
      const before = values[a + row], after = values[b + row], isKept = flags[from * rows + row] & KEPT;
      const isUnknown = before === UNKNOWN || after === UNKNOWN;
      const code = isUnknown ? (share < 0.5 ? before : after) : before + (after - before) * share;
      this.codes[row] = code;
      const isDimmed = (selectedCount && !selected[row]) || (isolated !== null && code !== isolated)
        || (page.kept === "dim" && !isKept);
      this.styles[row] = isDimmed ? DIMMED : page.kept === "ring" && isKept ? RINGED : PLAIN;
    }
  }

  /** Calls visit(row, x, y) for every row at the moment shown, in whole pixels of a canvas of the given size. */
  eachPoint(canvas, visit) {
    const { rows, positions } = this, { from, to, share } = this.moment;
    const { scale, left, top } = this.camera.pixels(canvas);
    const a = from * rows * 2, b = to * rows * 2, stay = 1 - share, unit = scale / GRID;
    for (let row = 0; row < rows; row++) {
      const x = positions[a + 2 * row] * stay + positions[b + 2 * row] * share;
      const y = positions[a + 2 * row + 1] * stay + positions[b + 2 * row + 1] * share;
      visit(row, Math.floor(x * unit + left), Math.floor(top - y * unit));
    }
  }

  /** Returns where a row lies in the frame at a moment. */
  positionOf(row, { from, to, share } = this.moment) {
    const { rows, positions } = this, a = (from * rows + row) * 2, b = (to * rows + row) * 2;
    return [0, 1].map((axis) => (positions[a + axis] * (1 - share) + positions[b + axis] * share) / GRID);
  }

  toPixels([x, y]) {
    const { scale, left, top } = this.camera.pixels(this.raster);
    return [x * scale + left, top - y * scale];
  }

  paintPoints() {
    const { raster, palette, styles, codes } = this;
    const base = this.rows > 20000 ? 2 : this.rows > 5000 ? 3 : this.rows > 1500 ? 4 : 5;
    const size = Math.round(base * this.ratio * clamp(Math.sqrt(this.camera.zoom / this.camera.home.zoom), 1, 2.5));
    const edge = Math.round(this.ratio), ink = pack(palette.ink);
    raster.pixels.fill(pack(palette.background));
    this.eachPoint(raster, (row, x, y) => {
      if (styles[row] === DIMMED) raster.dot(x, y, size, palette.dim[codes[row]]);
    });
    if (this.hasUnknown) this.eachPoint(raster, (row, x, y) => { // below the others: it hides what is known
      if (styles[row] !== DIMMED && codes[row] === UNKNOWN) raster.dot(x, y, size, palette.bright[UNKNOWN]);
    });
    this.eachPoint(raster, (row, x, y) => {
      if (styles[row] === DIMMED || (codes[row] === UNKNOWN && styles[row] === PLAIN)) return;
      if (styles[row] === RINGED) raster.dot(x, y, size + 2 * edge, ink);
      raster.dot(x, y, size, palette.bright[codes[row]]);
    });
    if (this.page.mark in MARKS) this.paintMarks(MARKS[this.page.mark][0], Math.round(size * 0.9), edge);
    raster.show();
  }

  paintMarks(bit, arm, thickness) {
    const { raster, palette, styles, rows, flags } = this, start = this.moment.from * rows;
    const colours = { ink: pack(palette.ink), halo: pack(palette.background) };
    this.eachPoint(raster, (row, x, y) => {
      if (flags[start + row] & bit && styles[row] !== DIMMED) raster.cross(x, y, arm, thickness, colours);
    });
  }

  paintDensity() {
    const { density, styles } = this, { width, height, counts } = density;
    counts.fill(0);
    this.eachPoint(density, (row, x, y) => {
      if (styles[row] !== DIMMED && x >= 0 && y >= 0 && x < width && y < height) counts[y * width + x] += 1;
    });
    density.draw(this.raster.context, this.palette);
  }

  drawOverlay() {
    const { pen, overlay } = this;
    pen.clearRect(0, 0, overlay.width, overlay.height);
    pen.family = getComputedStyle(this.stage).fontFamily;
    this.drawTrails();
    if (this.page.colouring.kind === "class") this.drawNames();
    if (this.hovered >= 0) drawRing(pen, this.toPixels(this.positionOf(this.hovered)), this);
    if (this.lasso) drawLasso(pen, this.lasso, this);
  }

  drawTrails() {
    if (!this.selectedCount || this.selectedCount > TRAIL_SAMPLES) return;
    const { from, share } = this.moment, past = share > 0 ? [this.moment] : [];
    for (let frame = from; frame >= Math.max(0, from - TRAIL_KEYFRAMES); frame--) {
      past.unshift({ from: frame, to: frame, share: 0 });
    }
    this.selected.forEach((isSelected, row) => {
      if (isSelected) drawTrail(this.pen, past.map((moment) => this.toPixels(this.positionOf(row, moment))), this);
    });
  }

  drawNames() {
    const { classes } = this.page, { from, to, share } = this.moment;
    const [before, after] = [this.centresAt(from), this.centresAt(to)];
    const taken = [];
    classes.forEach((name, code) => {
      const isShown = this.isolated === null ? classes.length <= NAMED_CLASSES : this.isolated === code;
      if (!isShown || !before[code]) return;
      const there = after[code] ?? before[code];
      const centre = this.toPixels(before[code].map((here, axis) => here + (there[axis] - here) * share));
      drawName(this.pen, name, centre, { palette: this.palette, ratio: this.ratio, taken });
    });
  }

  centresAt(frame) {
    const { rows, positions, values, centres } = this;
    if (!centres.has(frame)) {
      const start = values.length === rows ? 0 : frame * rows;
      const places = positions.subarray(frame * rows * 2, (frame + 1) * rows * 2);
      centres.set(frame, classCentres(places, values.subarray(start, start + rows), this.page.classes.length));
    }
    return centres.get(frame);
  }

  /** Returns the row nearest to a place in pixels, -1 where none is within reach. */
  nearestRow([px, py]) {
    let nearest = -1, least = (REACH_PIXELS * this.ratio) ** 2;
    this.eachPoint(this.raster, (row, x, y) => {
      const distance = (x - px) ** 2 + (y - py) ** 2;
      if (distance < least) [nearest, least] = [row, distance];
    });
    return nearest;
  }

  describe(row) {
    const { colouring, classes } = this.page, flag = this.flags[this.moment.from * this.rows + row];
    const lines = [`#${this.ids[row]}`, classes[this.labels[row]] ?? "no label"];
    if (colouring.name !== "label") lines.push(`${colouring.label}: ${this.valueText(this.codes[row])}`);
    lines.push(flag & KEPT ? "kept" : "dropped");
    if (flag & SUSPECT) lines.push("suspect");
    if (flag & FLIPPED) lines.push("flipped label");
    return lines;
  }

  /** Turns a value byte back into words: 254 steps between the clipped ends, or the name of a class. */
  valueText(code) {
    const { colouring, classes } = this.page, share = code / 254;
    if (code === UNKNOWN) return "unknown";
    if (colouring.kind === "class") return classes[code];
    const [low, high] = [colouring.low, colouring.high].map((end) => (colouring.is_root ? Math.sqrt(end) : end));
    const value = low + share * (high - low);
    const words = formatNumber(colouring.is_root ? value ** 2 : value);
    return code === 0 ? `≤ ${words}` : code === 254 ? `≥ ${words}` : words;
  }
}
