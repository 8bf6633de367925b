/**
 * The map of a run: every sample a point, scrubbed and played over the recorded epochs.
 *
 * Positions and values are fetched once as bytes under versioned addresses, so a rerun of the page sends
 * little; a lasso sends only its polygon, in map units, and its epoch, and the server decides who is inside.
 */

const CLICK_PIXELS = 4; // a pointer that moved less was a click
const LINE_PIXELS = 3; // corners of a lasso are at least this far apart
const KEYFRAMES_A_SECOND = 2;
const PAIRED = "undertow-map-epoch"; // maps of one pair show the same epoch while one of them is moved

class EpochMap {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.slider = this.find("input");
    this.picture = new Picture(this.find(".stage"));
    this.tip = new Tip(this.find(".tip"), this.find(".stage"));
    this.bindControls();
    this.bindPointer();
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.find(".stage"));
    this.follow = ({ detail }) => this.followPair(detail);
    window.addEventListener(PAIRED, this.follow);
  }

  destroy() {
    this.isPlaying = false;
    this.isGone = true;
    this.observer.disconnect();
    window.removeEventListener(PAIRED, this.follow);
  }

  // ---- what the page sends

  async update(page, emit) {
    this.emit = emit;
    this.wanted = page;
    this.find(".stage").style.height = page.height;
    this.find(".bar").hidden = !page.has_bar;
    const { ids, positions, flags, labels, values } = page.urls;
    const bytes = await Promise.all([ids, positions, flags, labels, values].map(fetchBytes));
    if (this.stroke) await new Promise((done) => (this.endWait = done)); // no point moves under a line being drawn
    if (this.isGone || this.wanted !== page) return; // a newer update overtook this one while it was fetching
    this.page = page;
    this.picture.take(page, bytes);
    this.takeEpoch(page);
    this.takeSelection(page);
    this.find(".notice").textContent = "";
    this.root.ariaLabel = `Map of ${this.picture.rows.toLocaleString("en")} samples. Space plays, arrows step epochs, `
      + "L lasso, P pan, D density, 0 whole map, Escape clears the selection.";
    this.drawLegend();
    this.drawTicks();
    this.resize();
    this.root.dataset.state = "ready";
  }

  takeEpoch({ epochs, epoch }) {
    [this.slider.min, this.slider.max] = [epochs[0], epochs.at(-1)];
    this.slider.disabled = this.find(".play").disabled = epochs.length < 2;
    if (this.sentEpoch === epoch) this.sentEpoch = undefined;
    // While this side plays, or its own choice is still on its way to the server, the older one is not taken.
    const isFree = !this.isPlaying && !this.isScrubbing && this.sentEpoch === undefined;
    if (this.epoch === undefined || isFree) this.epoch = epoch;
    this.epoch = clamp(this.epoch, epochs[0], epochs.at(-1));
  }

  takeSelection({ selection, serial }) {
    if (this.sentSerial !== undefined && this.sentSerial !== serial) return;
    this.sentSerial = undefined;
    const bits = Uint8Array.from(atob(selection), (character) => character.charCodeAt(0));
    this.picture.select((row) => (bits[row >> 3] >> (row & 7)) & 1);
    this.root.dataset.selected = this.picture.selectedCount;
  }

  fail(error) {
    this.root.dataset.state = "error";
    this.find(".notice").textContent = `The map could not be loaded (${error.message}); reload the page.`;
  }

  // ---- what the person does

  bindControls() {
    for (const button of this.root.querySelectorAll("[data-tool]")) button.onclick = () => this.useTool(button.dataset.tool);
    this.find(".play").onclick = () => this.togglePlay();
    this.slider.oninput = () => {
      this.isScrubbing = true;
      this.showEpoch(Number(this.slider.value));
    };
    this.slider.onchange = () => this.settle(Number(this.slider.value));
    this.root.onkeydown = (event) => this.pressKey(event);
    this.useTool("lasso");
  }

  useTool(tool) {
    const { picture } = this;
    if (tool === "reset") picture.camera.reset();
    else if (tool === "density") picture.isDense = !picture.isDense;
    else this.tool = tool;
    const pressed = { lasso: this.tool === "lasso", pan: this.tool === "pan", density: !!picture.isDense };
    for (const name in pressed) this.find(`[data-tool=${name}]`).setAttribute("aria-pressed", pressed[name]);
    picture.overlay.classList.toggle("pan", this.tool === "pan");
    this.drawLegend();
    this.draw();
  }

  pressKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.page) return;
    const actions = {
      " ": () => this.togglePlay(),
      ArrowRight: () => this.settle(Math.round(this.epoch) + 1),
      ArrowLeft: () => this.settle(Math.round(this.epoch) - 1),
      l: () => this.useTool("lasso"),
      p: () => this.useTool("pan"),
      d: () => this.useTool("density"),
      0: () => this.useTool("reset"),
      Escape: () => this.choose({}, () => false),
    };
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (event.key === " " && event.target.matches("button"))) return; // space presses a focused button
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  bindPointer() {
    const { overlay } = this.picture;
    const locate = (event) => {
      const box = overlay.getBoundingClientRect();
      return [(event.clientX - box.left) * this.picture.ratio, (event.clientY - box.top) * this.picture.ratio];
    };
    overlay.onpointerdown = (event) => {
      if (!this.page || event.button !== 0) return;
      overlay.setPointerCapture(event.pointerId);
      this.stroke = [locate(event)];
      this.leave();
      if (this.isPlaying && this.tool === "lasso") this.settle(this.epoch); // a lasso belongs to one epoch
    };
    overlay.onpointermove = (event) => (this.stroke ? this.drag(locate(event)) : this.hover(locate(event)));
    overlay.onpointerup = () => this.endStroke(this.stroke);
    overlay.onpointercancel = () => this.endStroke(null);
    overlay.onpointerleave = () => this.leave();
    overlay.onwheel = (event) => {
      event.preventDefault();
      this.picture.camera.zoomAround(locate(event), Math.exp(-event.deltaY * 0.0015), this.picture.raster);
      this.draw();
    };
  }

  drag(place) {
    const { picture } = this;
    this.stroke.push(place);
    if (this.tool === "pan") {
      picture.camera.pan(this.stroke.at(-2), place, picture.raster);
      this.draw();
    } else {
      picture.lasso = this.stroke;
      picture.drawOverlay();
    }
  }

  endStroke(stroke) {
    this.stroke = this.picture.lasso = null;
    this.endWait?.();
    if (!stroke) return this.draw();
    const isClick = stroke.every(([x, y]) => Math.hypot(x - stroke[0][0], y - stroke[0][1]) < CLICK_PIXELS * this.picture.ratio);
    if (isClick) return this.pick(stroke[0]);
    return this.tool === "lasso" ? this.selectInside(simplify(stroke, LINE_PIXELS * this.picture.ratio)) : undefined;
  }

  pick(place) {
    const row = this.picture.nearestRow(place);
    if (row >= 0) this.choose({ sample: this.picture.ids[row] }, (other) => other === row);
    else if (this.picture.selectedCount) this.choose({}, () => false);
  }

  selectInside(corners) {
    const { camera, raster } = this.picture;
    const { frame } = this.page, round = (value) => Number(value.toPrecision(LASSO_DIGITS));
    const polygon = corners.map((place) => toUnits(camera.toFrame(place, raster), frame).map(round));
    const isChosen = (row) => isInside(...toUnits(this.picture.positionOf(row), frame), polygon);
    this.choose({ polygon, epoch: Math.round(this.epoch) }, isChosen);
  }

  /** Highlights at once and lets the server decide: its answer replaces this one within the same rerun. */
  choose(choice, isChosen) {
    this.picture.select(isChosen);
    this.root.dataset.selected = this.picture.selectedCount;
    this.sentSerial = Date.now();
    this.emit("choice", { ...choice, serial: this.sentSerial });
    this.draw();
  }

  hover(place) {
    if (!this.page || this.isPlaying) return;
    const { picture } = this, row = picture.nearestRow(place);
    if (row !== picture.hovered) {
      picture.hovered = row;
      picture.drawOverlay();
    }
    if (row < 0) return this.tip.hide();
    const address = this.page.urls.thumbnail.replace("{sample}", picture.ids[row]);
    this.tip.show(place.map((pixel) => pixel / picture.ratio), address, picture.describe(row));
  }

  leave() {
    this.tip.hide();
    if (this.picture.hovered < 0) return;
    this.picture.hovered = -1;
    this.picture.drawOverlay();
  }

  // ---- time

  togglePlay() {
    const { epochs } = this.page;
    if (this.isPlaying || epochs.length < 2) return this.settle(this.epoch);
    this.isPlaying = true;
    this.find(".play").textContent = "Pause";
    this.leave();
    this.clock = this.epoch >= epochs.at(-1) ? epochs[0] : this.epoch;
    this.pace = { frames: 0, since: performance.now(), last: performance.now() };
    this.resize();
    return requestAnimationFrame((now) => this.advance(now));
  }

  advance(now) {
    if (!this.isPlaying) return;
    const { epochs } = this.page, end = epochs.at(-1), stride = (end - epochs[0]) / (epochs.length - 1);
    this.clock += (Math.max(0, now - this.pace.last) / 1000) * KEYFRAMES_A_SECOND * stride;
    this.pace.last = now;
    this.measurePace(now);
    if (this.clock >= end) {
      this.settle(end);
      return;
    }
    // Reduced motion: the maps follow each other as still pictures, nothing glides.
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.showEpoch(isStill ? epochs[momentAt(epochs, this.clock).from] : this.clock);
    requestAnimationFrame((next) => this.advance(next));
  }

  measurePace(now) {
    this.pace.frames += 1;
    const seconds = (now - this.pace.since) / 1000;
    if (seconds < 0.8) return;
    this.root.dataset.fps = (this.pace.frames / seconds).toFixed(1);
    Object.assign(this.pace, { frames: 0, since: now });
  }

  showEpoch(epoch) {
    this.epoch = epoch;
    this.draw();
    this.tellPair();
  }

  tellPair() {
    const { pair } = this.page;
    if (pair) window.dispatchEvent(new CustomEvent(PAIRED, { detail: { pair, sender: this, epoch: this.epoch } }));
  }

  followPair({ pair, sender, epoch }) {
    if (sender === this || !this.page || this.page.pair !== pair) return;
    if (this.isPlaying) this.stop();
    this.epoch = clamp(epoch, this.page.epochs[0], this.page.epochs.at(-1));
    this.draw();
  }

  stop() {
    this.isPlaying = this.isScrubbing = false;
    this.find(".play").textContent = "Play";
  }

  /** Stops at a whole epoch and tells the page, so that the numbers beside the map belong to it. */
  settle(epoch) {
    const { epochs } = this.page;
    this.stop();
    this.epoch = clamp(Math.round(epoch), epochs[0], epochs.at(-1));
    this.resize();
    this.tellPair();
    if (this.epoch === this.page.epoch) return;
    this.sentEpoch = this.epoch;
    this.emit("moment", { epoch: this.epoch, serial: Date.now() });
  }

  // ---- what is drawn

  resize() {
    if (!this.page || this.root.clientWidth < 2) return; // a hidden page has no size yet
    this.picture.resize(this.isPlaying);
    this.draw();
  }

  draw() {
    if (!this.page || !this.picture.raster.width) return;
    this.picture.draw(this.epoch);
    const epoch = Math.round(this.epoch);
    this.slider.value = this.epoch;
    const { min, max } = this.slider; // texts; a single keyframe has no way to go
    this.slider.style.setProperty("--done", `${((this.epoch - min) / (max - min || 1)) * 100}%`);
    this.slider.setAttribute("aria-valuetext", `epoch ${epoch}`);
    this.find(".epoch").textContent = `Epoch ${epoch}`;
    this.root.dataset.epoch = epoch;
    this.picture.raster.canvas.ariaLabel = `Samples at epoch ${epoch}, coloured by ${this.page.colouring.label}`;
  }

  drawLegend() {
    const { picture, page } = this;
    if (!page) return;
    const isolate = (code) => {
      picture.isolated = code;
      this.drawLegend();
      this.draw();
    };
    this.find(".legend").replaceChildren(...(picture.isDense
      ? legendOfDensity(picture.palette) : legendOfPoints(page, picture, isolate)));
  }

  drawTicks() {
    const { epochs } = this.page, span = epochs.at(-1) - epochs[0];
    this.find(".ticks").replaceChildren(...(span ? epochs : []).map((epoch) => {
      const tick = document.createElement("i");
      tick.style.left = `${((epoch - epochs[0]) / span) * 100}%`;
      return tick;
    }));
  }
}

const maps = new WeakMap(); // the page calls again at each rerun and each change of theme; one map lives on

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".map");
  if (!maps.has(root)) maps.set(root, new EpochMap(root));
  const map = maps.get(root);
  map.update(data, setStateValue).catch((error) => map.fail(error));
  return () => map.destroy();
}
