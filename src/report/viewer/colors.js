// colors.js: tables from values to pixels (RGBA in the byte order of this machine).

const little = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const packed = little ?
  (r, g, b) => (255 << 24) | (b << 16) | (g << 8) | r :
  (r, g, b) => (r << 24) | (g << 16) | (b << 8) | 255;
const pixel = (r, g, b) => packed(r, g, b) >>> 0;

/** Colours between anchors, evenly spaced, as [r, g, b]. */
function between(anchors, t) {
  const position = clamp(t, 0, 1) * (anchors.length - 1);
  const left = Math.min(Math.floor(position), anchors.length - 2);
  const part = position - left;
  return [0, 1, 2].map((k) => Math.round(anchors[left][k] * (1 - part) + anchors[left + 1][k] * part));
}

const GREY = [
  [0, 0, 0],
  [255, 255, 255]
];
// The same colour map as that of the still pictures (figures/colors.rs).
const DIVERGING = [
  [16, 46, 122],
  [92, 150, 210],
  [247, 247, 245],
  [226, 122, 88],
  [118, 12, 34]
];
const HEAT = [
  [0, 0, 4],
  [87, 16, 110],
  [188, 55, 84],
  [249, 142, 9],
  [252, 255, 164]
];

/** Pixels of `count` evenly spaced steps through the anchors. */
const table = (anchors, count) =>
  Uint32Array.from({ length: count }, (_, i) => pixel(...between(anchors, i / (count - 1))));
/** Signed differences, −1 to 1 in 511 steps. */
const differenceTable = table(DIVERGING, 511);
const heatTable = table(HEAT, 256);
const greyTable = table(GREY, 256);

const greyLevels = new Uint32Array(65536);
let greyKey = "";
/** The pixel of every level at the current window. */
function windowTable() {
  const [low, high] = state.window;
  if (greyKey !== `${low} ${high}`) {
    greyKey = `${low} ${high}`;
    const scale = (255 * manifest.step) / (high - low);
    const offset = (255 * (manifest.low - low)) / (high - low);
    for (let level = 0; level < 65536; level++) {
      greyLevels[level] = greyTable[clamp(Math.round(level * scale + offset), 0, 255)];
    }
  }
  return greyLevels;
}
