// pointer.js: mouse, wheel and touch on a tile.
// Left button (or one finger): the tool. Right button: window. Middle button: pan. Shift and left: profile.
// Wheel: slices; with Ctrl: zoom. Two fingers: zoom and pan.

/** Drag actions: each takes the event that began the drag and returns the function that handles later events. */
const drags = {
  cross(tile, start) {
    // Moving a finger scrolls through the slices; touching a point moves the cross-hairs to it.
    if (start.pointerType === "touch") {
      let rest = start.clientY;
      return (event) => {
        const by = Math.trunc((rest - event.clientY) / 6);
        if (by) { rest -= 6 * by;
          scroll(tile.plane, by); }
      };
    }
    return (event) => change({ at: indexOf(tile.plane, ...tile.pixelAt(event)) });
  },
  split(tile) {
    return (event) => {
      const box = tile.canvas.getBoundingClientRect();
      change({ split: clamp((event.clientX - box.left) / box.width, 0.02, 0.98) });
    };
  },
  window(tile, start) {
    const [low, high] = state.window;
    const error = state.error;
    return (event) => {
      const [right, down] = [event.clientX - start.clientX, event.clientY - start.clientY];
      if (state.mode === "difference" || state.mode === "uncertainty") return change({ error: error * Math.exp(
          right / 150) });
      const width = (high - low) * Math.exp(right / 200);
      const middle = (low + high) / 2 + (down / 300) * (high - low);
      change({ window: [middle - width / 2, middle + width / 2] });
    };
  },
  pan(tile, start) {
    const [x, y] = state.pan[tile.plane.name];
    const { scale } = tile.view();
    const ratio = tile.canvas.width / tile.canvas.getBoundingClientRect().width / scale;
    return (event) => {
      const moved = [x - (event.clientX - start.clientX) * ratio, y - (event.clientY - start.clientY) * ratio];
      change({ pan: { ...state.pan, [tile.plane.name]: moved } });
    };
  },
  profile(tile, start) {
    const from = tile.pixelAt(start);
    return (event) => change({ line: { plane: tile.plane.name, cut: state.at[tile.plane.cut], from, to: tile
          .pixelAt(event) } });
  },
};

/** Returns the drag action of a mouse button. */
function dragOf(event) {
  if (event.button === 2) return drags.window;
  if (event.button === 1) return drags.pan;
  if (event.shiftKey) return drags.profile;
  if (state.mode === "swipe" && state.tool === "cross") return drags.split;
  return drags[state.tool];
}

function zoomBy(factor) {
  change({ zoom: clamp(state.zoom * factor, 1, 20) });
}

/** Adds the mouse, wheel and touch listeners of a tile. */
function follow(tile) {
  const { canvas } = tile;
  const fingers = new Map();
  let drag = null;
  let apart = 0;
  const distance = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    stage.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) {
      apart = distance();
      drag = drags.pan(tile, event);
      return;
    }
    drag = dragOf(event)(tile, event);
    if (state.tool === "cross" && event.button === 0 && !event.shiftKey) change({ at: indexOf(tile.plane, ...
        tile.pixelAt(event)) });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return change({ pointer: indexOf(tile.plane, ...tile.pixelAt(event)) });
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) {
      zoomBy(distance() / apart);
      apart = distance();
    }
    drag(event);
  });
  const end = (event) => {
    fingers.delete(event.pointerId);
    drag = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.addEventListener("pointerleave", () => change({ pointer: null }));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("dblclick", () => change({ zoom: 1, pan: { axial: [0, 0], coronal: [0, 0], sagittal: [0,
        0] } }));
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (event.ctrlKey) zoomBy(Math.exp(-event.deltaY / 300));
      else scroll(tile.plane, event.deltaY > 0 ? 1 : -1);
    }, { passive: false },
  );
}
