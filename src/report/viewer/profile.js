// profile.js: the chart of the values of all volumes along the line that the user drew.

const SVG = "http://www.w3.org/2000/svg";
const CHART = { width: 900, height: 260, left: 70, right: 12, top: 10, bottom: 40 };
const profilePanel = make("figure", { class: "profile", hidden: true });

function draft(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text != null) element.textContent = text;
  return element;
}

/** Values of a volume at even steps along the line, between the middles of voxels. */
function along(volume, line, count) {
  const plane = PLANES[line.plane];
  const at = layout(plane, line.cut);
  const level = (row, column) => {
    const [r, c] = [clamp(row, 0, plane.rows - 1), clamp(column, 0, plane.columns - 1)];
    return volume.levels[at.base + r * at.row + c * at.column];
  };
  return Array.from({ length: count }, (_, i) => {
    const t = i / (count - 1);
    const row = line.from[0] + t * (line.to[0] - line.from[0]) - 0.5;
    const column = line.from[1] + t * (line.to[1] - line.from[1]) - 0.5;
    const [r, c] = [Math.floor(row), Math.floor(column)];
    const [u, v] = [row - r, column - c];
    const upper = (1 - v) * level(r, c) + v * level(r, c + 1);
    const lower = (1 - v) * level(r + 1, c) + v * level(r + 1, c + 1);
    return valueOf((1 - u) * upper + u * lower);
  });
}

/** A step of 1, 2 or 5 times a power of ten that divides a range about five times. */
function tickStep(range) {
  const power = 10 ** Math.floor(Math.log10(range / 5));
  return [1, 2, 5, 10].map((k) => k * power).find((step) => range / step <= 6) || range;
}

/** Draws the chart of the line, or hides it. */
function drawProfile() {
  const line = state.line;
  profilePanel.hidden = !line;
  if (!line) return;
  const plane = PLANES[line.plane];
  const length = Math.hypot((line.to[0] - line.from[0]) * plane.pixel[0], (line.to[1] - line.from[1]) * plane.pixel[
    1]);
  if (length < 1e-6) return;
  const seen = pictures.filter((volume) => !state.hidden.has(volume.index));
  const curves = seen.map((volume) => ({ volume, values: along(volume, line, 300) }));
  const all = curves.flatMap((curve) => curve.values);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = 0.05 * (high - low || 1);
  const { width, height, left, right, top, bottom } = CHART;
  const x = (mm) => left + (mm / length) * (width - left - right);
  const y = (value) => height - bottom - ((value - low + room) / (high - low + 2 * room)) * (height - top - bottom);
  const svg = draft("svg", { viewBox: `0 0 ${width} ${height}`,
  role: "img", "aria-label": "values along the line" });
  for (let mm = 0, step = tickStep(length); mm <= length; mm += step) {
    svg.append(draft("line", { class: "grid", x1: x(mm), x2: x(mm), y1: top, y2: height - bottom }));
    svg.append(draft("text", { class: "tick", x: x(mm), y: height - bottom + 16, "text-anchor": "middle" }, Number(
      mm.toPrecision(6))));
  }
  for (let step = tickStep(high - low || 1), v = Math.ceil(low / step) * step; v <= high; v += step) {
    svg.append(draft("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }));
    svg.append(draft("text", { class: "tick", x: left - 7, y: y(v) + 4, "text-anchor": "end" }, shown(v)));
  }
  for (const { volume, values } of curves) {
    const d = values.map((v, i) => `${i ? "L" : "M"}${x((i / 299) * length).toFixed(1)} ${y(v).toFixed(1)}`).join(
      "");
    svg.append(draft("path", { class: styleOf(volume), d }));
  }
  svg.append(draft("text", { class: "label", x: (left + width) / 2, y: height - 6, "text-anchor": "middle" },
    "mm along the line"));
  const legend = make("ul", { class: "legend" }, ...seen.map((volume) => make("li", {}, swatch(volume), volume
    .name)));
  const title =
    `Profile in ${manifest.unit}, ${plane.name} slice ${place(plane.cut, line.cut)}, ${length.toFixed(1)} mm long`;
  profilePanel.replaceChildren(make("figcaption", {}, title), svg, legend);
}

/** The line style of a volume, as in the page's charts. */
function styleOf(volume) {
  if (volume === truth) return "line s0";
  const k = methods.indexOf(volume);
  return `line s${(k % 6) + 1}${k >= 6 ? " again" : ""}`;
}

function swatch(volume) {
  const svg = draft("svg", { class: "swatch", viewBox: "0 0 26 8", "aria-hidden": "true" });
  svg.append(draft("path", { class: styleOf(volume), d: "M1 4H25" }));
  return svg;
}
