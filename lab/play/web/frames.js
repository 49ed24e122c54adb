// The frames of training: a sheet of images with a row for each frame.

// Slider, player and step for the frames; `show(index)` is called with each frame to be shown.
function scrubber(steps, unit, show) {
  let index = steps.length - 1;
  const go = (next) => {
    index = Math.min(Math.max(next, 0), steps.length - 1);
    place.set(index);
    show(index);
    return index < steps.length - 1;
  };
  const place = slider({ label: "Training", hint: `Drag through the ${unit}s of training.`, min: 0,
    max: steps.length - 1, step: 1, value: index, show: (k) => `${unit} ${steps[k].toLocaleString("en")}`,
    on: go });
  place.input.classList.add("scrubber");
  const play = player((by) => go(by > 0 && index === steps.length - 1 ? 0 : index + by),
    "Play the training from here");
  play.setDelay(250);
  const root = el("div", { class: "controls" }, place.root,
    control("Play", "At the end it begins again.", play.root));
  return { root, go };
}

// The sheet's image, and a function that draws the image `k` of the frame `row` on a canvas.
function frameSheet(frames, [, height, width]) {
  const sheet = new Image();
  sheet.src = frames.image;
  const draw = (canvas, row, k) => {
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").drawImage(sheet, k * width, row * height, width, height, 0, 0, width, height);
  };
  return { ready: sheet.decode(), draw };
}
