/**
 * A field to draw one curve in, with the mouse, a finger or the arrow keys.
 *
 * It holds one height a knot, at even steps from the first to the last epoch; drawing over a part changes
 * that part. What is sent are the known knots, as points from 0 to 1.
 */

const STEP = 0.05; // of an arrow key
const PAUSE = 400; // milliseconds without an arrow key until the curve is sent

class Field {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    this.stage = this.find(".stage");
    this.knot = 0;
    this.bind();
  }

  update(page, emit) {
    [this.page, this.emit] = [page, emit];
    if (!this.isDrawing) this.heights = page.heights ? [...page.heights] : Array(page.knots).fill(null);
    this.find(".high").textContent = page.high;
    this.find(".low").textContent = page.low;
    this.find(".last").textContent = `epoch ${page.last}`;
    this.find(".behind").innerHTML = page.behind.map((line) => `<polyline points="${points(line)}"/>`).join("");
    this.root.ariaLabel = `Curve of ${page.signal} over epochs 0 to ${page.last} to search for. Draw with the mouse, or `
      + "use the arrow keys: left and right move along the epochs, up and down change the height there.";
    this.draw();
    this.root.dataset.state = "ready";
  }

  bind() {
    this.stage.onpointerdown = (event) => {
      this.stage.setPointerCapture(event.pointerId);
      this.isDrawing = true;
      this.before = undefined;
      this.moveTo(event);
    };
    this.stage.onpointermove = (event) => {
      if (this.isDrawing) for (const place of event.getCoalescedEvents?.() ?? [event]) this.moveTo(place);
    };
    this.stage.onpointerup = this.stage.onpointercancel = () => this.end();
    this.root.onkeydown = (event) => this.press(event);
    this.root.onblur = () => this.find(".mark").hidden = true;
  }

  moveTo(event) {
    const box = this.stage.getBoundingClientRect();
    const knot = clamp(Math.round(((event.clientX - box.left) / box.width) * (this.page.knots - 1)), 0, this.page.knots - 1);
    const height = clamp(1 - (event.clientY - box.top) / box.height, 0, 1);
    const from = this.before ?? { knot, height };
    const steps = Math.max(Math.abs(knot - from.knot), 1); // every knot that a quick hand passed over
    for (let step = 0; step <= steps; step++) {
      const share = step / steps;
      this.heights[Math.round(from.knot + (knot - from.knot) * share)] = from.height + (height - from.height) * share;
    }
    this.before = { knot, height };
    this.draw();
  }

  end() {
    if (!this.isDrawing) return;
    this.isDrawing = false;
    this.send();
  }

  press(event) {
    const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const up = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
    if (!along && !up) return;
    event.preventDefault();
    event.stopPropagation();
    if (along) this.knot = clamp(this.knot + along, 0, this.page.knots - 1);
    if (this.heights.includes(null)) this.heights = this.heights.map((height) => height ?? 0.5);
    if (up) {
      this.heights[this.knot] = clamp(this.heights[this.knot] + up, 0, 1);
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.send(), PAUSE);
    }
    this.draw();
    this.mark();
  }

  mark() {
    const [share, height] = [this.knot / (this.page.knots - 1), this.heights[this.knot]];
    const mark = this.find(".mark");
    mark.hidden = false;
    [mark.style.left, mark.style.top] = [`${100 * share}%`, `${100 * (1 - height)}%`];
    this.find(".said").textContent = `epoch ${Math.round(share * this.page.last)}, height ${Math.round(100 * height)} %`;
  }

  draw() {
    this.find(".line").setAttribute("points", points(this.known()));
    this.find(".hint").hidden = this.known().length > 0;
  }

  known() {
    const places = this.heights.map((height, knot) => [knot / (this.page.knots - 1), height]);
    return places.filter(([, height]) => height !== null);
  }

  send() {
    if (this.known().length > 1) this.emit("points", this.known());
  }
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const points = (line) => line.map(([x, y]) => `${(1000 * x).toFixed(1)},${(1000 * (1 - y)).toFixed(1)}`).join(" ");

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".field");
  root.field ??= new Field(root);
  root.field.update(data, setTriggerValue);
}
