// keys.js: keyboard shortcuts while the viewer has the focus.

const KEYS = {
  ArrowUp: ["next slice", () => scroll(planesShown()[0], 1)],
  ArrowDown: ["slice before", () => scroll(planesShown()[0], -1)],
  PageUp: ["ten slices on", () => scroll(planesShown()[0], 10)],
  PageDown: ["ten slices back", () => scroll(planesShown()[0], -10)],
  ArrowLeft: ["swipe to the left", () => change({ split: clamp(state.split - 0.05, 0.02, 0.98) })],
  ArrowRight: ["swipe to the right", () => change({ split: clamp(state.split + 0.05, 0.02, 0.98) })],
  a: ["axial", () => setPlane("axial")],
  c: ["coronal", () => setPlane("coronal")],
  s: ["sagittal", () => setPlane("sagittal")],
  x: ["all three planes", () => setPlane("all")],
  m: ["side by side", () => setMode("side")],
  b: ["blink", () => setMode("blink")],
  w: ["swipe", () => setMode("swipe")],
  d: ["signed difference", () => setMode("difference")],
  u: ["uncertainty", () => setMode("uncertainty")],
  "[": ["another one to compare", () => nextOfPair(-1)],
  "]": ["another one to compare", () => nextOfPair(1)],
  " ": ["blink by hand", () => change({ blink: { shown: 1 - state.blink.shown, running: false } })],
  "+": ["larger", () => zoomBy(1.25)],
  "-": ["smaller", () => zoomBy(0.8)],
  0: ["whole picture", () => change({ zoom: 1, pan: { axial: [0, 0], coronal: [0, 0], sagittal: [0, 0] } })],
  p: ["draw a profile", () => setTool(state.tool === "profile" ? "cross" : "profile")],
  Escape: ["no profile", () => change({ line: null })],
};

/** Digits choose windows. */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, summary")) return;
  const preset = presets[Number(event.key) - 1];
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // The space bar must still press a button that has the focus.
  if (key === " " && event.target.matches("button")) return;
  const action = preset ? () => setWindow(preset) : KEYS[key] && KEYS[key][1];
  if (!action) return;
  event.preventDefault();
  action();
}

function nextOfPair(by) {
  const at = pictures.indexOf(state.pair[1]);
  state.pair = [state.pair[0], pictures[(at + by + pictures.length) % pictures.length]];
  rebuild();
}
