// toolbar.js: the controls above the pictures, and the line with the current position.

const same = (a, b) => a && b && Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]) < 1e-9 * (1 + widthOf(a));
/** Windows (low, high) to choose from: that of the object without air and, in HU, the usual ones of radiology. */
const presets = [
  { name: "Object", range: manifest.object },
  manifest.detail && { name: "Low contrast", range: manifest.detail },
  manifest.hounsfield && { name: "Lung", range: [-1350, 150] },
  manifest.hounsfield && { name: "Soft tissue", range: [-160, 240] },
  manifest.hounsfield && { name: "Bone", range: [-500, 1300] },
  manifest.hounsfield && { name: "Brain", range: [0, 80] },
  { name: "Whole range", range: manifest.whole },
].filter(Boolean);
const MODES = [
  ["side", "Side by side"],
  pictures.length > 1 && ["blink", "Blink"],
  pictures.length > 1 && ["swipe", "Swipe"],
  (truth && methods.length || methods.some(startOf)) && ["difference", "Difference"],
  methods.some(uncertaintyOf) && ["uncertainty", "Uncertainty"],
].filter(Boolean);
const TOOLS = [
  ["cross", "Cross-hairs"],
  ["window", "Window"],
  ["pan", "Pan"],
  ["profile", "Profile"]
];
const NAMES = { axial: "Axial", coronal: "Coronal", sagittal: "Sagittal", all: "All three" };

function setPlane(plane) { if (plane === "all" ? planeNames.length > 1 : planeNames.includes(plane)) { state.plane =
      plane;
    rebuild(); } }

function setMode(mode) { if (MODES.some(([name]) => name === mode)) { state.mode = mode;
    rebuild(); } }

function setTool(tool) { change({ tool }); }

function setWindow(preset) { change({ window: preset.range.slice() }); }

/** Buttons of which one is pressed; `pressed(key)` tells whether it is that of `key`. */
function choice(label, entries, pressed, choose) {
  const buttons = entries.map(([key, text]) => ({ key, button: make("button", { type: "button", onclick: () =>
        choose(key) }, text) }));
  const element = make("div", { class: "choice", role: "group", "aria-label": label }, make("span", {}, label), ...
    buttons.map(({ button }) => button));
  return { element, update: () => buttons.forEach(({ key, button }) => button.setAttribute("aria-pressed", String(
      pressed(key)))) };
}

/** A slider through the slices of a plane. */
function slider(name) {
  const plane = PLANES[name];
  const out = make("output");
  const input = make("input", { type: "range", min: 0, max: manifest.shape[plane.cut] - 1,
  step: 1, "aria-label": `${name} slice` });
  input.addEventListener("input", () => {
    const at = state.at.slice();
    at[plane.cut] = Number(input.value);
    change({ at, pointer: null });
  });
  const element = make("label", { class: "slider" }, make("span", {}, NAMES[name]), input, out);
  return {
    element,
    update() {
      input.value = state.at[plane.cut];
      out.textContent = place(plane.cut, state.at[plane.cut]);
      input.setAttribute("aria-valuetext", out.textContent);
    },
  };
}

/** Which of two volumes is compared. */
function pairChoice(which, label) {
  const select = make("select", { "aria-label": label }, ...pictures.map((v) => make("option", { value: v.index }, v
    .name)));
  select.addEventListener("change", () => {
    state.pair[which] = volumes[Number(select.value)];
    rebuild();
  });
  return { element: select, update: () => (select.value = state.pair[which].index) };
}

function checkbox(volume) {
  const input = make("input", { type: "checkbox", checked: true });
  input.addEventListener("change", () => {
    if (input.checked) state.hidden.delete(volume.index);
    else state.hidden.add(volume.index);
    rebuild();
  });
  return make("label", {}, input, swatch(volume), volume.name);
}

/** The bar of greys or colours with its ends. */
function colorBar() {
  const canvas = make("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const [low, high] = [make("span"), make("span")];
  const element = make("div", { class: "color-bar" }, low, canvas, high);
  let last = "";
  return {
    element,
    update() {
      const kind = state.mode === "difference" ? "difference" : state.mode === "uncertainty" ? "size" : "grey";
      const ends = kind === "grey" ? state.window : [kind === "size" ? 0 : -state.error, state.error];
      low.textContent = shown(ends[0]);
      high.textContent = `${shown(ends[1], kind === "difference")} ${manifest.unit}`;
      if (kind === last) return;
      last = kind;
      const anchors = { difference: DIVERGING, size: HEAT, grey: GREY } [kind];
      const image = context.createImageData(256, 1);
      new Uint32Array(image.data.buffer).set(table(anchors, 256));
      context.putImageData(image, 0, 0);
    },
  };
}

/** How the shown values differ from those in the files. */
function notes() {
  const list = [`Values are rounded to steps of ${Number(manifest.step.toPrecision(2))} ${manifest.unit}`];
  if (manifest.blocks.some((block) => block > 1)) list.push(
    `blocks of ${manifest.blocks.join(" × ")} voxels (z, y, x) are averaged`);
  return `${list.join(" and ")} only in this viewer; the files have full precision.`;
}

/** All controls: {element, update}. */
function toolbar() {
  const planes = planeNames.length > 1 ? [...planeNames, "all"] : [];
  const pair = [pairChoice(0, "first of the pair"), pairChoice(1, "second of the pair")];
  const pairs = make("div", { class: "choice" }, make("span", {}, "Compare"), pair[0].element, pair[1].element);
  const bar = colorBar();
  const smooth = make("input", { type: "checkbox" });
  smooth.addEventListener("change", () => change({ smooth: smooth.checked }));
  const parts = [
    choice("Show", MODES, (mode) => state.mode === mode, setMode),
    choice("Plane", planes.map((name) => [name, NAMES[name]]), (name) => state.plane === name, setPlane),
    choice("Window", presets.map((p, i) => [i, p.name]), (i) => same(state.window, presets[i].range), (i) =>
      setWindow(presets[i])),
    choice("Drag", TOOLS, (tool) => state.tool === tool, setTool),
  ];
  parts[1].element.hidden = planes.length === 0;
  const sliders = planeNames.length > 1 ? planeNames.map(slider) : [];
  const seen = make("div", { class: "seen", role: "group", "aria-label": "volumes shown" }, ...pictures.map(
    checkbox), make("label", {}, smooth, "smooth"));
  const element = make("div", { class: "toolbar" }, ...parts.map((p) => p.element), pairs, bar.element, ...sliders
    .map((s) => s.element), seen);
  return {
    element,
    update() {
      [...parts, ...sliders, ...pair, bar].forEach((part) => part.update());
      pairs.hidden = state.mode !== "blink" && state.mode !== "swipe";
      seen.hidden = !pairs.hidden;
    },
  };
}

/** The list of keyboard shortcuts, collapsed. */
function help() {
  const rows = Object.entries(KEYS).map(([key, [what]]) => make("li", {}, make("kbd", {}, key === " " ? "Space" :
    key), ` ${what}`));
  const windows = make("li", {}, make("kbd", {}, `1 to ${presets.length}`),
  " windows, in the order of the buttons");
  const mouse =
    "Wheel: slices; with Ctrl: zoom. Left button: as chosen under Drag; right: window; middle: pan; with Shift: profile. "
    + "One finger goes through slices, two zoom and pan. A double click shows the whole picture.";
  return make("details", {}, make("summary", {}, "Mouse, touch and keys"), make("p", {}, mouse), make(
  "ul", { class: "keys" }, windows, ...rows));
}
