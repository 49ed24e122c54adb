// What can be done with chosen samples: each tool is a card that draws itself anew when they change.
//
// `model` has generate(z), which gives pixels, read(pixels), which gives the { name, share } of the
// class that the classifier takes them for, and shape. `page.chosen` holds the z of A, B and C.

// A picture with the classifier's word below it.
function picture(model, { tag = "div", slot = "", ...attributes } = {}) {
  const canvas = el("canvas", { class: "image" });
  const reading = el("span", { class: "reading" });
  const badge = el("span", { class: "slot" }, slot);
  const root = el(tag, { class: "tile", ...attributes }, canvas, reading, slot ? badge : null);
  return {
    root,
    show(z, withReading = true) {
      const pixels = model.generate(z);
      drawImage(canvas, pixels, model.shape);
      if (withReading) this.read(pixels);
      return pixels;
    },
    read(pixels) {
      const { name, share } = model.read(pixels) || {};
      reading.replaceChildren(...(name === undefined ? [] : [el("b", {}, name), " ",
        el("small", {}, `${Math.round(100 * share)} %`)]));
    },
  };
}

function interpolationCard(model, page) {
  const STEPS = 9;
  const pictures = Array.from({ length: STEPS }, () => picture(model));
  let spherical = false;
  const draw = () => pictures.forEach((one, k) =>
    one.show(interpolate(page.chosen.A, page.chosen.B, k / (STEPS - 1), spherical)));
  const way = choice({ label: "Path", hint: "Straight, or turning around 0 at an even speed.",
    options: { linear: "straight (linear)", spherical: "turning (spherical)" }, value: "linear",
    on: (value) => { spherical = value === "spherical"; draw(); } });
  const root = card("From A to B", "Nine images at even steps of the latent space, and what the "
    + "classifier reads in each. Does a third class lie between?",
    el("div", { class: "grid nine" }, ...pictures.map((one) => one.root)),
    el("div", { class: "controls" }, way.root,
      control("Ends", "A becomes B, and B becomes A.", button("Exchange A and B",
        "A becomes B, and B becomes A", () => {
          [page.chosen.A, page.chosen.B] = [page.chosen.B, page.chosen.A];
          page.draw();
        }))));
  return { root, draw };
}

function triangleCard(model, page) {
  const CORNERS = [[100, 14], [12, 166], [188, 166]]; // of A, B and C
  const SVG = "http://www.w3.org/2000/svg";
  const shape = (name, attributes, text = "") => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  };
  const dot = shape("circle", { r: 9 });
  const svg = shape("svg", { viewBox: "0 0 200 184", class: "triangle", tabindex: 0, role: "application",
    "aria-label": "The point between A, B and C; drag it, or use the arrow keys" });
  svg.append(shape("polygon", { points: CORNERS.map((corner) => corner.join(",")).join(" ") }),
    shape("text", { x: 100, y: 11 }, "A"), shape("text", { x: 12, y: 180 }, "B"),
    shape("text", { x: 188, y: 180 }, "C"), dot);
  const result = picture(model);
  const share = el("p", { class: "hint" });
  let weights = [1 / 3, 1 / 3, 1 / 3];
  let keepLength = true;

  const draw = () => {
    const [x, y] = [0, 1].map((k) => weights.reduce((sum, w, i) => sum + w * CORNERS[i][k], 0));
    dot.setAttribute("cx", x);
    dot.setAttribute("cy", y);
    result.show(blend(weights, [page.chosen.A, page.chosen.B, page.chosen.C], keepLength));
    share.textContent = weights.map((w, k) => `${"ABC"[k]} ${Math.round(100 * w)} %`).join(", ");
    svg.dataset.weights = weights.map((w) => w.toFixed(3)).join(" ");
  };
  const drawSoon = eachFrame(draw);

  // The shares of the corners at a point of the picture; outside, those of a point at the edge.
  function moveTo(x, y) {
    const [[ax, ay], [bx, by], [cx, cy]] = CORNERS;
    const area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
    const a = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area;
    const b = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area;
    const inside = [a, b, 1 - a - b].map((w) => Math.max(w, 0));
    const sum = inside.reduce((p, q) => p + q, 0);
    weights = inside.map((w) => w / sum);
    drawSoon();
  }
  const follow = (event) => {
    const box = svg.getBoundingClientRect();
    moveTo(200 * (event.clientX - box.left) / box.width, 184 * (event.clientY - box.top) / box.height);
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    follow(event);
  });
  svg.addEventListener("pointermove", (event) => event.buttons && follow(event));
  svg.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-6, 0], ArrowRight: [6, 0], ArrowUp: [0, -6], ArrowDown: [0, 6] }[event.key];
    if (!move) return;
    event.preventDefault();
    moveTo(Number(dot.getAttribute("cx")) + move[0], Number(dot.getAttribute("cy")) + move[1]);
  });
  const length = toggle({ label: "keep the length of z", checked: true,
    hint: "Off: the middle lies nearer to 0 than samples ever do.",
    on: (on) => { keepLength = on; draw(); } });
  const root = card("Between A, B and C", "Drag the point, or move it with the arrow keys.",
    el("div", { class: "with-image even" }, svg, el("div", {}, result.root, share, length.root)));
  return { root, draw };
}

function sumCard(model, page) {
  const names = ["A", "B", "C"];
  const parts = names.map((name) => picture(model, { slot: name }));
  const result = picture(model);
  const draw = () => {
    const { A, B, C } = page.chosen;
    names.forEach((name, k) => parts[k].show(page.chosen[name]));
    result.show(combine([1, -1, 1], [A, B, C]));
  };
  const root = card("A − B + C", "Sums of latent points: take what B has out of A, and put it onto C.",
    el("div", { class: "sum" }, parts[0].root, el("b", {}, "−"), parts[1].root, el("b", {}, "+"),
      parts[2].root, el("b", {}, "="), result.root));
  return { root, draw };
}

function directionsCard(model, page, directions) {
  const [count, length] = directions.shape;
  const range = Math.round(1.5 * Math.sqrt(length));
  const result = picture(model);
  const draw = () => {
    const z = page.chosen.A.slice();
    sliders.forEach((one, k) => {
      const direction = directions.values.subarray(k * length, (k + 1) * length);
      for (let i = 0; i < length; i++) z[i] += one.value * direction[i];
    });
    result.show(z);
  };
  const drawSoon = eachFrame(draw);
  const sliders = Array.from({ length: count }, (_, k) => slider({ label: `Direction ${k + 1}`,
    hint: k ? "" : "The first layer changes most along the first.", min: -range, max: range, step: 0.1,
    value: 0, show: (value) => value.toFixed(1), on: drawSoon }));
  const root = card("Main directions", "Move A along the directions that change the generator's first "
    + "layer most (its first singular vectors).",
    el("div", { class: "with-image" }, el("div", { class: "controls two-columns" },
      ...sliders.map((one) => one.root)),
    el("div", {}, result.root, button("All to 0", "Back to A itself", () => {
      sliders.forEach((one) => one.set(0));
      draw();
    }))));
  return { root, draw, sliders };
}
