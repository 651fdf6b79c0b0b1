// paint.js: the pixels of a slice, one per voxel: grey values, or in colours signed or absolute differences and
// uncertainties.

const painters = {
  grey(out, at, rows, columns, { volume }) {
    const shades = windowTable();
    const levels = volume.levels;
    walk(at, rows, columns, (i, voxel) => (out[i] = shades[levels[voxel]]));
  },
  /** Signed difference volume − truth: red above zero, blue below. */
  difference(out, at, rows, columns, { volume, reference }) {
    const [a, b] = [volume.levels, reference.levels];
    const scale = (255 * manifest.step) / state.error;
    walk(at, rows, columns, (i, voxel) => {
      const t = Math.round((a[voxel] - b[voxel]) * scale) + 255;
      out[i] = differenceTable[t < 0 ? 0 : t > 510 ? 510 : t];
    });
  },
  /** Absolute difference. */
  size(out, at, rows, columns, { volume, reference }) {
    const [a, b] = [volume.levels, reference.levels];
    const scale = (255 * manifest.step) / state.error;
    walk(at, rows, columns, (i, voxel) => (out[i] = heatTable[Math.min(255, Math.round(Math.abs(a[voxel] - b[
      voxel]) * scale))]));
  },
  /** Standard deviation on the scale of the absolute difference, fading to the grey values where it is small. */
  deviation(out, at, rows, columns, { volume, deviation }) {
    const shades = windowTable();
    const [levels, spread] = [volume.levels, deviation.levels];
    const [scale, offset] = [manifest.step / state.error, manifest.low / state.error];
    walk(at, rows, columns, (i, voxel) => {
      const t = clamp(spread[voxel] * scale + offset, 0, 1);
      const [grey, heat] = [shades[levels[voxel]], heatTable[Math.round(255 * t)]];
      out[i] = mixed(grey, heat, Math.min(1, 0.25 + 1.5 * t));
    });
  },
};

/** Calls `put(pixel, voxel)` for every pixel of a slice. */
function walk(at, rows, columns, put) {
  let i = 0;
  for (let row = 0; row < rows; row++) {
    let voxel = at.base + row * at.row;
    for (let column = 0; column < columns; column++, i++, voxel += at.column) put(i, voxel);
  }
}

/** Blends two pixels byte by byte: `part` (0 to 1) of `over`, the rest of `under`. */
function mixed(under, over, part) {
  const p = Math.round(256 * part);
  const even = (((under & 0xff00ff) * (256 - p) + (over & 0xff00ff) * p) / 256) & 0xff00ff;
  const odd = ((((under >>> 8) & 0xff00ff) * (256 - p) + ((over >>> 8) & 0xff00ff) * p) / 256) & 0xff00ff;
  return (even | (odd << 8)) >>> 0;
}

/** The drawn image of a plane, kept until what it shows changes. */
class Raster {
  constructor(plane) {
    this.plane = plane;
    this.canvas = make("canvas", { width: plane.columns, height: plane.rows });
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.image = this.context.createImageData(plane.columns, plane.rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.key = "";
  }

  paint(what) {
    const cut = state.at[this.plane.cut];
    const key = [what.painter, what.volume.index, cut, ...state.window, state.error].join(" ");
    if (key !== this.key) {
      this.key = key;
      painters[what.painter](this.pixels, layout(this.plane), this.plane.rows, this.plane.columns, what);
      this.context.putImageData(this.image, 0, 0);
    }
    return this.canvas;
  }
}
