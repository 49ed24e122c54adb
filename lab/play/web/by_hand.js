// The page of a by-hand run: every digit's GAN through training, and its weights as images.

const NOISE_SHOWN = 19;

function byHandPage(root) {
  const [run] = data.runs;
  const gans = makeGans(run);
  let chosen = 0;
  let frame = run.frames ? run.frames.steps.length - 1 : 0;
  const shownPerDigit = run.frames ? run.frames.images / run.digits.length : 0;

  // All digits at one epoch; a click chooses one of them.
  const tiles = run.digits.map((digit, g) => {
    const canvas = el("canvas", { class: "image" });
    const reading = el("span", { class: "reading" });
    const tile = el("button", { type: "button", class: "tile", title: `Look into the GAN of ${digit}`,
      onclick: () => { chosen = g; draw(); } }, canvas, reading);
    return { root: tile, canvas, reading };
  });
  const sheet = run.frames && frameSheet(run.frames, run.shape);
  const drawFrame = (index) => {
    frame = index;
    const epoch = run.frames.steps[index];
    tiles.forEach((tile, g) => {
      sheet.draw(tile.canvas, index, g * shownPerDigit);
      const share = (run.history[run.digits[g]].classifier_accuracy || {})[epoch];
      tile.reading.textContent = share == null ? run.digits[g] : `${run.digits[g]}: ${percent(share)}`;
    });
    older.forEach((canvas, k) => sheet.draw(canvas, index, chosen * shownPerDigit + k));
    const { fid = {}, d_accuracy: right = {} } = run.history[run.digits[chosen]];
    epochText.textContent = `Samples of the ${run.digits[chosen]} at epoch ${epoch.toLocaleString("en")}. `
      + `FID ${short(fid[epoch])}; D is right on ${percent(right[epoch])} of held-out images and samples. `
      + `The best epoch of this digit is ${run.best[run.digits[chosen]].toLocaleString("en")}.`;
  };
  const older = Array.from({ length: shownPerDigit }, () => el("canvas", { class: "image" }));
  const epochText = el("p", { class: "hint" });
  const scrub = run.frames && scrubber(run.frames.steps, "epoch", drawFrame);

  // The chosen digit: new samples, and the weights of both players.
  const samples = Array.from({ length: 10 }, () => {
    const canvas = el("canvas", { class: "image" });
    const reading = el("span", { class: "reading" });
    return { root: el("div", { class: "tile" }, canvas, reading), canvas, reading };
  });
  const drawSamples = () => samples.forEach(({ canvas, reading }) => {
    const pixels = gans.generate(chosen, randomNoise(run));
    drawImage(canvas, pixels, run.shape, 0, 1);
    reading.textContent = `D ${sigmoid(gans.judge(chosen, pixels)).toFixed(2)}`;
  });
  const weights = el("div");
  const title = el("h2");
  const detail = el("section", { class: "card" }, title, el("p", { class: "hint" },
    "These samples are computed here, with the weights at the end of training. Below each: the "
    + "probability that D gives it of being real."),
  el("div", { class: "grid five" }, ...samples.map((one) => one.root)),
  el("div", { class: "controls" }, control("Draw", "Ten new samples of this digit.",
    button("Draw new noise", "Ten new samples of this digit", drawSamples))), weights);

  function draw() {
    tiles.forEach((tile, g) => {
      tile.root.classList.toggle("chosen", g === chosen);
      tile.root.setAttribute("aria-pressed", g === chosen);
    });
    title.textContent = `The GAN of the ${run.digits[chosen]}`;
    detail.dataset.digit = run.digits[chosen];
    if (run.frames) drawFrame(frame);
    drawSamples();
    weights.replaceChildren(...weightPictures(gans, chosen, run.shape));
  }

  root.replaceChildren(
    el("h1", {}, data.title),
    el("p", { class: "lead" }, `One small GAN for each digit (${run.label}), its gradients written by `
      + `hand; ${run.steps.toLocaleString("en")} epochs on ${run.data}.`),
    el("div", { class: "two" },
      el("div", {},
        card("All digits through training", "Below each digit: the share of its samples that the "
          + "classifier reads as it. Click a digit to look into its GAN.",
        el("div", { class: "grid five digits" }, ...tiles.map((tile) => tile.root)),
        run.frames ? scrub.root : el("p", { class: "notice" }, "The run's animations are not there any "
          + "more, so there are no frames to show."),
        el("div", { class: "grid nine" }, ...older), epochText)),
      detail),
    tries(byHandExperiments(run, scrub)));
  draw();
  if (sheet) sheet.ready.then(draw);
  return () => testByHand(run, gans);
}

// The networks of all digits: chains of affine layers, with a ReLU after all but D's last.
function makeGans(run) {
  const arrays = Object.fromEntries(Object.entries(run.weights).map(([name, t]) => [name, decode(t)]));
  const layersOf = (player) => Object.keys(arrays).filter((name) => name.startsWith(`W_${player}`)).sort()
    .map((name) => ({ W: arrays[name], b: arrays[name.replace("W", "B")] }));
  const part = ({ shape, values }, g) => {
    const size = shape[1] * shape[2];
    return values.subarray(g * size, (g + 1) * size);
  };
  const forward = (layers, g, x, reluLast) => layers.reduce((input, { W, b }, k) => {
    // The weights stand as [inputs, outputs], as in x W + b.
    const out = addTransposed(Float64Array.from(part(b, g)), part(W, g), input);
    return reluLast || k < layers.length - 1 ? out.map((value) => Math.max(value, 0)) : out;
  }, x);
  const [generator, discriminator] = [layersOf("G"), layersOf("D")];
  return {
    generate: (g, z) => forward(generator, g, z, true),
    judge: (g, pixels) => forward(discriminator, g, pixels, false)[0],
    generator, discriminator, part,
  };
}

function randomNoise(run) {
  return Float64Array.from({ length: run.noise_size }, run.noise === "normal" ? randomNormal : Math.random);
}

// The weights between pixels and units as images: what D looks for, and what G paints.
function weightPictures(gans, g, [channels, height, width]) {
  const first = gans.discriminator[0];
  const last = gans.generator[gans.generator.length - 1];
  const [, pixelCount, units] = first.W.shape;
  const values = gans.part(first.W, g);
  const column = (unit) => Float32Array.from({ length: pixelCount },
    (_, p) => values[p * units + unit]);
  const rows = gans.part(last.W, g);
  const byLength = Array.from({ length: last.W.shape[1] },
    (_, k) => rows.subarray(pixelCount * k, pixelCount * (k + 1))).sort((a, b) => norm(b) - norm(a))
    .slice(0, NOISE_SHOWN);
  const signed = (weights) => {
    const canvas = el("canvas", { class: "image" });
    const size = height * width; // of several channels the mean is shown
    const pixels = weights.slice(0, size);
    for (let k = size; k < channels * size; k++) pixels[k % size] += weights[k];
    const largest = Math.max(...pixels.map(Math.abs)) || 1;
    drawMap(canvas, height, width, (r, c) => pixels[width * r + c] / largest, diverging);
    return canvas;
  };
  const deep = gans.generator.length > 1 ? "hidden unit" : "number of the noise";
  return [
    el("h3", {}, units === 1 ? "What D looks for" : "What the first units of D look for"),
    el("p", { class: "hint" }, "Orange pixels speak for a real image, blue ones against it."),
    el("div", { class: "grid five weights" }, ...Array.from({ length: Math.min(units, 10) },
      (_, unit) => signed(column(unit)))),
    el("h3", {}, "What G paints"),
    el("p", { class: "hint" }, "First its bias, which every sample begins with; then what one "
      + `${deep} adds (orange) and takes away (blue), those with the largest weights first.`),
    el("div", { class: "grid ten-digits weights" }, ...[gans.part(last.b, g), ...byLength].map(signed)),
  ];
}

function byHandExperiments(run, scrub) {
  const to = (share) => scrub && (() => scrub.go(Math.round(share * (run.frames.steps.length - 1))));
  return [
    { text: "Drag the training from its first frame on. Which digits can be read first?", setUp: to(0) },
    { text: "Compare the frame of a digit's best epoch with the last one. Does it decline?",
      setUp: to(1) },
    { text: "Click a digit and look at D's weights. Can you see the digit in them?" },
    { text: "Draw new noise several times. How different are the samples? A single layer can only add "
        + "pictures to its bias." },
    { text: "Look at G's bias: how much of a sample is it already?" },
  ];
}

function testByHand(run, gans) {
  run.digits.forEach((digit, g) => {
    const pixels = gans.generate(g, Float64Array.from(run.selftest.z[g]));
    expectClose(`pixels of ${digit}`, pixels, run.selftest.images[g]);
    expectClose(`D's logit of ${digit}`, [gans.judge(g, pixels)], [run.selftest.logits[g]]);
  });
}
