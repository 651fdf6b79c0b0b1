// tile.js: one picture: a plane of a volume (or of two volumes, divided by the swipe line) with name, value and
// cross-hairs.

class Tile {
  /** `layers` are what is painted, one or, for a swipe, left and right. */
  constructor(plane, layers, name) {
    this.plane = plane;
    this.layers = layers;
    this.name = name;
    this.rasters = layers.map(() => new Raster(plane));
    this.canvas = make("canvas", { role: "img" });
    this.canvas.style.aspectRatio = `${plane.size[1]} / ${plane.size[0]}`;
    this.reading = make("span", { class: "reading" });
    this.title = make("b", {}, name);
    const sides = ["left", "right", "top", "bottom"].map((side, k) => make("i", { class: side }, manifest.planes[
      plane.name][k]));
    const frame = make("div", { class: "frame-of" }, this.canvas, ...sides);
    this.element = make("figure", { class: "tile" }, make("figcaption", {}, this.title, " ", this.reading),
    frame);
    this.context = this.canvas.getContext("2d", { alpha: false });
    follow(this);
  }

  /** Pixels of the canvas per mm, and where the plane's corner lies. */
  view() {
    const { width, height } = this.canvas;
    const [down, right] = this.plane.size;
    const scale = Math.min(width / right, height / down) * state.zoom;
    const [x, y] = state.pan[this.plane.name];
    return { scale, left: width / 2 - (right / 2 + x) * scale, top: height / 2 - (down / 2 + y) * scale };
  }

  /** Row and column (fractions) under a pointer event. */
  pixelAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    const { scale, left, top } = this.view();
    const x = ((event.clientX - box.left) * ratio - left) / scale;
    const y = ((event.clientY - box.top) * ratio - top) / scale;
    return [y / this.plane.pixel[0], x / this.plane.pixel[1]];
  }

  /** Where a row and column lie on the canvas. */
  point([row, column]) {
    const { scale, left, top } = this.view();
    return [left + column * this.plane.pixel[1] * scale, top + row * this.plane.pixel[0] * scale];
  }

  /** Adopts the size in the page. Call it for all tiles before drawing any, or each forces a new page layout. */
  measure() {
    const box = this.canvas.getBoundingClientRect();
    this.size = [box.width, box.height].map((side) => Math.max(1, Math.round(side * (window.devicePixelRatio ||
      1))));
  }

  draw() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = this.size;
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width,
        height });
    const { scale, left, top } = this.view();
    const [down, right] = this.plane.size.map((mm) => mm * scale);
    const context = this.context;
    context.fillStyle = "#000";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingEnabled = state.smooth;
    this.shownLayers().forEach(({ what, raster, from, to }) => {
      context.save();
      context.beginPath();
      context.rect(from * width, 0, (to - from) * width, height);
      context.clip();
      context.drawImage(raster.paint(what), left, top, right, down);
      context.restore();
    });
    this.marks(ratio);
    this.read();
  }

  /** What is painted where, in fractions of the width. */
  shownLayers() {
    const entry = (k, from, to) => ({ what: this.layers[k], raster: this.rasters[k], from, to });
    if (this.layers.length === 1) return [entry(0, 0, 1)];
    if (state.mode === "blink") return [entry(state.blink.shown, 0, 1)];
    return [entry(0, 0, state.split), entry(1, state.split, 1)];
  }

  marks(ratio) {
    const { context, plane } = this;
    const { width, height } = this.canvas;
    const [x, y] = this.point([turned(plane, state.at[plane.down]) + 0.5, state.at[plane.right] + 0.5]);
    context.lineWidth = ratio;
    const stroke = (style, ...lines) => {
      context.strokeStyle = style;
      context.beginPath();
      for (const [a, b, c, d] of lines) { context.moveTo(a, b);
        context.lineTo(c, d); }
      context.stroke();
    };
    // The cross-hairs have a gap in the middle, so that they do not cover the voxel.
    const gap = 9 * ratio;
    if (state.tool !== "profile") {
      stroke("rgb(90 200 250 / .75)", [0, y, x - gap, y], [x + gap, y, width, y], [x, 0, x, y - gap], [x, y + gap,
        x, height
      ]);
    }
    if (this.layers.length > 1 && state.mode === "swipe") {
      stroke("#ffd60a", [state.split * width, 0, state.split * width, height]);
    }
    const line = state.line;
    if (line && line.plane === plane.name && line.cut === state.at[plane.cut]) {
      context.lineWidth = 2 * ratio;
      stroke("#ffd60a", [...this.point(line.from), ...this.point(line.to)]);
    }
  }

  /** Name and value under the pointer, else at the cross-hairs. */
  read() {
    const index = state.pointer || state.at;
    const layer = this.layers.length > 1 && state.mode === "blink" ? this.layers[state.blink.shown] : this.layers[
      0];
    if (this.layers.length > 1) {
      const [a, b] = this.layers.map((each) => each.volume.name);
      this.title.textContent = state.mode === "blink" ? layer.volume.name : `${a} | ${b}`;
    }
    const value = valueAt(layer.volume, index);
    let text = `${shown(value)} ${manifest.unit}`;
    if (layer.painter === "deviation") text = `± ${shown(valueAt(layer.deviation, index))} ${manifest.unit}`;
    else if (this.layers.length > 1 && state.mode === "swipe") text +=
      ` | ${shown(valueAt(this.layers[1].volume, index))} ${manifest.unit}`;
    else if (truth && layer.volume !== truth) text += ` (${shown(value - valueAt(truth, index), true)})`;
    this.reading.textContent = text;
    const where = place(this.plane.cut, state.at[this.plane.cut]);
    this.canvas.setAttribute("aria-label", `${this.title.textContent}, ${this.plane.name}, ${where}: ${text}`);
  }
}

/** The layer of a volume in a mode that shows each by itself. */
function layersOf(volume) {
  const deviation = uncertaintyOf(volume);
  if (state.mode === "difference" && volume !== truth) {
    const list = [[truth, "truth"], [startOf(volume), "its start"]].filter(([reference]) => reference);
    if (list.length) return list.map(([reference, name]) => ({ name: `${volume.name} \u2212 ${name}`, what:
        { painter: "difference", volume, reference } }));
  }
  if (state.mode === "uncertainty" && volume !== truth) {
    const list = [];
    if (deviation) list.push({ name: `${volume.name}: uncertainty`, what: { painter: "deviation", volume,
        deviation } });
    if (truth) list.push({ name: `${volume.name}: |error|`, what: { painter: "size", volume, reference: truth } });
    return list;
  }
  return [{ name: volume.name, what: { painter: "grey", volume } }];
}

/** The tiles that are shown in the current state. */
function tilesNow() {
  if (state.mode === "blink" || state.mode === "swipe") {
    const layers = state.pair.map((volume) => ({ painter: "grey", volume }));
    return [planesShown().map((plane) => new Tile(plane, layers, ""))];
  }
  const seen = pictures.filter((volume) => !state.hidden.has(volume.index));
  return seen.flatMap(layersOf).map(({ name, what }) => planesShown().map((plane) => new Tile(plane, [what],
  name)));
}
