// The page of a generation run: samples, and what lies between them.

const SAMPLES = 24;

function generationPage(root) {
  const [run] = data.runs;
  const about = run.about ?? `${run.label}; trained on ${run.data} for `
    + `${run.steps.toLocaleString("en")} steps`
    + (run.fid == null ? "" : `; FID ${run.fid.toFixed(2)} (that of the classifier's features)`);
  if (run.recorded) {
    root.replaceChildren(el("h1", {}, data.title), card(run.name, about, recordedPictures(run.recorded)));
    return () => {};
  }
  const model = makeModel(run);
  const page = { chosen: {}, next: "A", draw: () => drawChosen() };
  const drawn = Array.from({ length: SAMPLES }, () => randomZ(run.latent));
  let shown = [];
  let limit = NO_TRUNCATION;

  // The grid of samples, of which a click chooses one as A, B or C.
  const tiles = drawn.map((_, k) => picture(model, { tag: "button", type: "button", slot: " ",
    title: "Choose this sample", onclick: () => page.choose(shown[k]) }));
  const fresh = {}; // stops the readings of an older grid
  const drawGrid = () => {
    shown = drawn.map((z) => truncated(z, limit));
    const pixels = tiles.map((tile, k) => tile.show(shown[k], false));
    const mine = fresh.turn = Symbol("a grid");
    // The classifier reads while the images can be seen already.
    const readNext = (k) => {
      if (fresh.turn !== mine || k === SAMPLES) return;
      tiles[k].read(pixels[k]);
      setTimeout(readNext, 0, k + 1);
    };
    readNext(0);
    markChosen();
  };
  const drawGridSoon = eachFrame(drawGrid);
  const redraw = () => {
    drawn.forEach((_, k) => { drawn[k] = randomZ(run.latent); });
    drawGrid();
  };
  const truncation = slider({ label: "Truncation of z", min: 0.1, max: NO_TRUNCATION, step: 0.1,
    value: limit, hint: "No number of z is farther from 0: less variety, fewer odd samples.",
    show: (value) => value >= NO_TRUNCATION ? "none" : `±${value.toFixed(1)}`,
    on: (value) => { limit = value; drawGridSoon(); } });

  // The three chosen samples. A click on one of them says that the next choice replaces it.
  const slots = ["A", "B", "C"].map((name) => picture(model, { tag: "button", type: "button", slot: name,
    title: `The next sample that you click becomes ${name}`,
    onclick: () => { page.next = name; markChosen(); } }));
  page.choose = (z) => {
    page.chosen[page.next] = z;
    page.next = { A: "B", B: "C", C: "A" }[page.next];
    drawChosen();
  };
  function markChosen() {
    tiles.forEach((tile, k) => {
      const name = "ABC".split("").find((one) => page.chosen[one] === shown[k]);
      tile.root.classList.toggle("chosen", Boolean(name));
      tile.root.querySelector(".slot").textContent = name || "";
      tile.root.querySelector(".slot").hidden = !name;
    });
    slots.forEach((slot, k) => slot.root.setAttribute("aria-pressed", page.next === "ABC"[k]));
  }

  const path = interpolationCard(model, page);
  const triangle = triangleCard(model, page);
  const sum = sumCard(model, page);
  const directions = directionsCard(model, page, decode(run.directions));
  function drawChosen() {
    slots.forEach((slot, k) => slot.show(page.chosen["ABC"[k]]));
    for (const tool of [path, triangle, sum, directions]) tool.draw();
    markChosen();
  }

  root.replaceChildren(
    el("h1", {}, data.title), el("p", { class: "lead" }, about),
    el("div", { class: "two" },
      el("div", {},
        card("Samples", `Each image is made from ${run.latent} random numbers z. Click three of them: `
          + `they become A, B and C. ${model.about}`,
          el("div", { class: "grid six samples" }, ...tiles.map((tile) => tile.root)),
          el("div", { class: "controls" },
            control("Draw", `${SAMPLES} new random z.`,
              button("Draw new samples", `Draw ${SAMPLES} new random z`, redraw)), truncation.root)),
        card("A, B and C", "Click one of these, then the sample that shall replace it.",
          el("div", { class: "grid five chosen-three" }, ...slots.map((slot) => slot.root))),
        sum.root),
      el("div", {}, path.root, triangle.root, directions.root)),
    el("div", { class: "two" }, framesCard(run, model),
      tries(latentExperiments(directions, truncation, redraw))));
  drawGrid();
  page.chosen = firstChoice(model, shown);
  drawChosen();
  return () => testGeneration(run, model);
}

// The generator and the classifier of a run.
function makeModel(run) {
  const generator = makeNetwork(run.layers);
  const { classifier } = run;
  const network = classifier.missing ? null : makeNetwork(classifier.layers);
  const logits = (pixels) => network(pixels, run.shape);
  return {
    shape: run.shape,
    generate: (z) => generator(z),
    logits: network && logits,
    read(pixels) {
      if (!network) return null;
      const shares = softmax(logits(pixels));
      const best = argmax(shares);
      return { name: classifier.classes[best], share: shares[best] };
    },
    about: network ? "Below each image: what a classifier reads in it, and how sure it is (it is right "
      + `on ${percent(classifier.accuracy)} of real test images).`
      : `There is no classifier to read the images: ${classifier.missing}.`,
  };
}

// Three samples of different classes, as far as the classifier is sure of them.
function firstChoice(model, points) {
  const found = new Map();
  for (const z of model.logits ? points : []) {
    const { name, share } = model.read(model.generate(z));
    if (share > 0.9 && !found.has(name)) found.set(name, z);
    if (found.size === 3) break;
  }
  const others = points.filter((z) => ![...found.values()].includes(z));
  const [A, B, C] = [...found.values(), ...others];
  return { A, B, C };
}

function framesCard(run, model) {
  if (!run.frames) return card("Through training", "The run's animation is not there any more.");
  const { steps, images } = run.frames;
  const sheet = frameSheet(run.frames, model.shape);
  const canvases = Array.from({ length: images }, () => el("canvas", { class: "image" }));
  const show = (index) => canvases.forEach((canvas, k) => sheet.draw(canvas, index, k));
  const scrub = scrubber(steps, "step", show);
  sheet.ready.then(() => show(steps.length - 1));
  return card("Through training", "The same z at every step: watch when strokes and then digits appear.",
    el("div", { class: "grid five frames" }, ...canvases), scrub.root);
}

function latentExperiments(directions, truncation, redraw) {
  return [
    { text: "Choose two samples of different classes. Does the path from A to B pass through a third "
        + "class, and is the turning path sharper in the middle?" },
    { text: "Truncate z to ±0.5. The samples become alike: what is lost, and what is gained?",
      setUp: () => { truncation.set(0.5); truncation.input.dispatchEvent(new Event("input")); } },
    { text: "Drag the point in the triangle along an edge, slowly. Where does one class turn into the "
        + "other, and how wide is the border?" },
    { text: "Choose a 7 as A, a 1 as B and a 6 as C, and look at A − B + C. Does it make sense? Do it "
        + "with other samples of the same classes." },
    { text: "Move the first direction as far as it goes. Does it change the class, or only the style?",
      setUp: () => {
        const [first] = directions.sliders;
        first.set(first.input.max);
        directions.draw();
      } },
    { text: "Draw new samples until the classifier is not sure of one. What is wrong with it?",
      setUp: redraw },
  ];
}

function testGeneration(run, model) {
  const size = run.shape.reduce((a, b) => a * b, 1);
  run.selftest.z.forEach((z, k) => {
    const pixels = model.generate(Float32Array.from(z));
    expectClose(`pixels of sample ${k + 1}`, pixels, run.selftest.images[k].slice(0, size));
    if (model.logits) {
      expectClose(`classifier's logits of sample ${k + 1}`, model.logits(pixels),
        run.classifier.selftest[k]);
    }
  });
}
