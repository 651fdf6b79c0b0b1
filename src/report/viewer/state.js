// state.js: the state of the viewer. Everything is drawn from `state`; code that changes it must call `change`.

const manifest = JSON.parse(document.getElementById("viewer-manifest").textContent);
const volumes = manifest.volumes.map((volume, index) => ({ ...volume, index, levels: null }));
const pictures = volumes.filter((volume) => volume.kind === "truth" || volume.kind === "method");
const truth = volumes.find((volume) => volume.kind === "truth");
const methods = volumes.filter((volume) => volume.kind === "method");
/** The standard deviation that a method estimates of its own result. */
const uncertaintyOf = (method) => volumes.find((v) => v.kind === "uncertainty" && v.name === method.name);
/** The volume that a learned prior started from. */
const startOf = (method) => volumes.find((v) => v.kind === "start" && v.name === method.name);
const widthOf = (window) => window[1] - window[0];

const state = {
  /** Index [z, y, x] that the cross-hairs and the slices go through. */
  at: manifest.shape.map((n) => n >> 1),
  /** Index [z, y, x] under the pointer, or null. */
  pointer: null,
  plane: "axial",
  mode: "side",
  window: manifest.object.slice(),
  /** Ends of signed differences and of uncertainties, ± this. */
  error: manifest.error || 0.2 * widthOf(manifest.object),
  zoom: 1,
  /** Offset of the middle of each plane's image, mm to the right and down. */
  pan: { axial: [0, 0], coronal: [0, 0], sagittal: [0, 0] },
  tool: "cross",
  hidden: new Set(),
  /** The two volumes that blinking and swiping compare. */
  pair: [pictures[0], pictures[pictures.length - 1]],
  /** Which of the pair is shown while blinking, and whether it alternates automatically. */
  blink: { shown: 0, running: true },
  /** Where swiping divides the picture, 0 to 1. */
  split: 0.5,
  /** The profile: {plane, cut, from: [row, column], to: [row, column]}, or null. */
  line: null,
  smooth: false,
};

let scheduled = false;
/** The function that draws, set by main.js. */
let draw = () => {};

/** Merges the given values into the state and draws once before the next frame. */
function change(part) {
  Object.assign(state, part);
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

/** The value of a level, in the unit of the volumes. */
const valueOf = (level) => manifest.low + manifest.step * level;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** A number as text, with as many digits as its unit needs and a typographic minus. */
function shown(value, signed = false) {
  const size = Math.abs(value);
  const digits = manifest.hounsfield ? 0 : clamp(3 - Math.ceil(Math.log10(size || 1)), 0, 7);
  const text = size.toFixed(digits);
  if (Number(text) === 0) return text;
  return value < 0 ? `\u2212${text}` : signed ? `+${text}` : text;
}

/** An element with attributes and children; texts become text, never markup. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}
