// main.js: puts the viewer into the page, reads the volumes and draws.

const section = document.getElementById("viewer");
const stage = make("div", {
  class: "stage",
  tabindex: 0,
  role: "group",
  "aria-label": "pictures; keys are listed below",
});
const position = make("p", { class: "position" });
const bars = toolbar();
let tiles = [];

/** Creates the tiles again after the choice of shown volumes or planes has changed. */
function rebuild() {
  const rows = tilesNow();
  tiles = rows.flat();
  const many = planesShown().length > 1;
  const single = state.mode === "blink" || state.mode === "swipe";
  stage.className = `stage${many ? " planes-of" : ""}${single ? " single" : ""}`;
  const widths = planesShown().map((plane) => `${plane.size[1]}fr`).join(" ");
  stage.style.setProperty("--planes-of", widths);
  const [down, right] = planesShown()[0].size;
  stage.style.setProperty("--aspect", right / down);
  const row = (parts) => make("div", { class: "tile-row" }, ...parts.map((tile) => tile.element));
  stage.replaceChildren(...(many ? rows.map(row) : tiles.map((tile) => tile.element)));
  change({});
}

function drawAll() {
  tiles.forEach((tile) => tile.measure());
  tiles.forEach((tile) => tile.draw());
  bars.update();
  drawProfile();
  const index = state.pointer || state.at;
  const axes = planeNames.length > 1 ? [2, 1, 0] : [2, 1];
  position.textContent = axes.map((k) => place(k, index[k])).join(", ");
  section.dataset.frames = Number(section.dataset.frames || 0) + 1;
}

async function begin() {
  const texts = [...document.querySelectorAll("script.viewer-volume")];
  const levels = await Promise.all(texts.map((text) => decoded(text.textContent, NX)));
  levels.forEach((found, i) => (volumes[i].levels = found));
  texts.forEach((text) => text.remove());
  section.append(bars.element, position, stage, profilePanel, make("p", { class: "key" }, notes()), help());
  section.hidden = false;
  document.documentElement.classList.add("with-viewer");
  section.addEventListener("keydown", onKey);
  draw = drawAll;
  rebuild();
  new ResizeObserver(() => change({})).observe(stage);
  setInterval(() => {
    const blinks = state.mode === "blink" && state.blink.running && !document.hidden;
    if (blinks) change({ blink: { shown: 1 - state.blink.shown, running: true } });
  }, 700);
  section.dataset.ready = Math.round(performance.now());
}

begin().catch((error) => {
  // If the viewer fails, the still pictures of the page remain.
  section.hidden = false;
  section.append(make("p", { class: "empty" },
    `This browser cannot show the volumes (${error.message}); the pictures below remain.`));
});
