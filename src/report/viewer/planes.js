// planes.js: the mapping between pixels of a plane and voxels of a volume [z, y, x] whose axes point to S, P and L.
// Axial: the patient's left is on the right, posterior down. Coronal and sagittal: superior up.

const [NZ, NY, NX] = manifest.shape;
const STRIDE = [NY * NX, NX, 1];
const PLANES = {
  axial: { cut: 0, down: 1, right: 2, upward: false },
  coronal: { cut: 1, down: 0, right: 2, upward: true },
  sagittal: { cut: 2, down: 0, right: 1, upward: true },
};
for (const [name, plane] of Object.entries(PLANES)) {
  plane.name = name;
  plane.rows = manifest.shape[plane.down];
  plane.columns = manifest.shape[plane.right];
  plane.pixel = [manifest.spacing[plane.down], manifest.spacing[plane.right]];
  /** Height and width, mm. */
  plane.size = [plane.rows * plane.pixel[0], plane.columns * plane.pixel[1]];
}
const planeNames = Object.keys(manifest.planes);
/** The planes that are shown at present. */
const planesShown = () => (state.plane === "all" ? planeNames : [state.plane]).map((name) => PLANES[name]);

/** Index along the plane's vertical array axis of a row, and the row of an index. */
const turned = (plane, row) => (plane.upward ? plane.rows - 1 - row : row);

/** Offset of a plane's first pixel, and from row to row and column to column. */
function layout(plane, cut = state.at[plane.cut]) {
  const down = STRIDE[plane.down];
  const base = cut * STRIDE[plane.cut] + (plane.upward ? (plane.rows - 1) * down : 0);
  return { base, row: plane.upward ? -down : down, column: STRIDE[plane.right] };
}

/** The index [z, y, x] of a pixel of the slice that is shown. */
function indexOf(plane, row, column) {
  const index = state.at.slice();
  index[plane.down] = clamp(turned(plane, Math.floor(row)), 0, plane.rows - 1);
  index[plane.right] = clamp(Math.floor(column), 0, plane.columns - 1);
  return index;
}

/** The level of a volume at an index [z, y, x]. */
const levelAt = (volume, [z, y, x]) => volume.levels[(z * NY + y) * NX + x];
const valueAt = (volume, index) => valueOf(levelAt(volume, index));

/** The place of index i along array axis k, such as "z = −12.5 mm". */
function place(k, i) {
  const { letter, first, step } = manifest.axes[k];
  const mm = first + step * i;
  return `${letter} = ${mm < -0.05 ? "\u2212" : ""}${Math.abs(mm).toFixed(1)} mm`;
}

/** Moves the slice of a plane by `by` voxels. */
function scroll(plane, by) {
  const at = state.at.slice();
  at[plane.cut] = clamp(at[plane.cut] + by, 0, manifest.shape[plane.cut] - 1);
  change({ at, pointer: null });
}
