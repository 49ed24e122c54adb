// Pictures on canvases: images, and maps of values over time.

// Draw an image in [low, high] on its canvas, pixel by pixel; CSS enlarges it.
function drawImage(canvas, pixels, [channels, height, width], low = -1, high = 1) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const size = width * height;
  for (let p = 0; p < size; p++) {
    for (let k = 0; k < 3; k++) {
      const value = pixels[p + (channels === 3 ? k * size : 0)];
      picture.data[4 * p + k] = Math.round(255 * (value - low) / (high - low));
    }
    picture.data[4 * p + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

// Draw values [rows, columns] on a canvas, a pixel each; `colour(value)` gives [r, g, b].
function drawMap(canvas, rows, columns, value, colour) {
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(columns, rows);
  for (let r = 0, p = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++, p += 4) {
      const [red, green, blue] = colour(value(r, c));
      picture.data[p] = red;
      picture.data[p + 1] = green;
      picture.data[p + 2] = blue;
      picture.data[p + 3] = 255;
    }
  }
  context.putImageData(picture, 0, 0);
}

// A map of values over the steps of a sequence: a canvas with a marker at the current step, which
// a click or a drag moves, labels on its left and a column on its right.
//   onPick(step, share): the step from 1 and the height from 0, top, to 1, where the pointer is.
//   onHover(step, share): the same for a pointer that only passes.
function timeMap({ height, label, left = "", right = "", onPick, onHover }) {
  const canvas = el("canvas");
  const marker = el("div", { class: "marker" });
  const area = el("div", { class: "area", style: `height:${height}px`, title: "", role: "img",
    "aria-label": label }, canvas, marker);
  const side = el("div", { class: "side", style: `height:${height}px` }, right);
  const root = el("div", { class: "timemap" }, el("div", { class: "rows" }, left), area, side);
  let steps = 1;

  const place = (event) => {
    const box = area.getBoundingClientRect();
    const across = (event.clientX - box.left) / box.width;
    const down = (event.clientY - box.top) / box.height;
    const step = Math.min(Math.max(Math.floor(across * steps), 0), steps - 1) + 1;
    return [step, Math.min(Math.max(down, 0), 0.9999)];
  };
  area.addEventListener("pointerdown", (event) => {
    area.setPointerCapture(event.pointerId);
    onPick(...place(event));
  });
  area.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (event.buttons) onPick(...at);
    if (onHover) onHover(...at);
  });

  return {
    root, side,
    draw(rows, columns, value, colour) {
      steps = columns;
      drawMap(canvas, rows, columns, value, colour);
    },
    mark(step) {
      marker.style.left = `${100 * (step - 1) / steps}%`;
      marker.style.width = `max(${100 / steps}%, 3px)`;
    },
  };
}
