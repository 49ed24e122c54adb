// One network on a memory page: its answer, what the answer rests on, and its units over time.

const GATES = /^(f|i|o|r|z\d*)$/;

function memoryRun(run, page) {
  const accuracy = run.accuracy == null ? "" : `; ${run.accuracy_of} accuracy ${percent(run.accuracy)}`;
  const about = `${run.label}; ${run.hidden} units; trained at T=${run.seq_len} for `
    + `${run.steps} steps${accuracy}`;
  if (run.recorded) {
    return { root: card(run.name, about, recordedPictures(run.recorded)), read() {}, draw() {},
      remember() {} };
  }
  const cell = makeCell(run);
  const answer = el("p", { class: "answer", "aria-live": "polite" });
  const changed = el("p", { class: "hint changed" });
  let trace = null;
  let before = null; // the trace of the digits before a change of the same length
  let norms = null;

  // The answer after each digit, and how sure the network is at the current one.
  const labels = Array.from({ length: 10 }, (_, digit) => el("span", {}, digit));
  const bars = Array.from({ length: 10 }, () => el("div", { class: "bar" }, el("i"), el("b")));
  const isAlone = data.runs.length === 1; // then there is room for taller pictures
  const answers = timeMap({ height: isAlone ? 200 : 150, left: el("div", { class: "ten" }, ...labels),
    right: el("div", { class: "ten" }, ...bars), onPick: (step) => page.go(step),
    label: "The probability of each answer after each digit read" });

  // The gradient of the answer by each digit.
  const resting = timeMap({ height: isAlone ? 80 : 40, onPick: (step) => page.go(step),
    label: "How much each earlier digit moves the answer" });
  const restingText = el("p", { class: "hint" });

  // The units.
  const units = timeMap({ height: 260, onPick: (step, share) => { page.go(step); tell(step, share); },
    onHover: (step, share) => tell(step, share), right: el("canvas"),
    label: "The values of all units after each digit read" });
  const unitText = el("p", { class: "hint" });
  const view = { quantity: Object.keys(cell.shown)[0], sorted: false, difference: false };
  const redraw = () => { drawUnits(); };
  const quantity = choice({ label: "Show", hint: "Which values of the units.",
    options: cell.shown, value: view.quantity, on: (value) => { view.quantity = value; redraw(); } });
  const sorted = toggle({ label: "sort the units", checked: false,
    hint: "Those that hold the first digit best on top.",
    on: (on) => { view.sorted = on; redraw(); } });
  const difference = toggle({ label: "show the change", checked: false,
    hint: "The difference that your last change made.",
    on: (on) => { view.difference = on; redraw(); } });
  let order = [];

  function holdsOf(name) {
    const layer = name.match(/\d+$/);
    const part = run.holds[name] ? name : layer ? `h${layer[0]}` : run.holds.c ? "c" : "h";
    return decode(run.holds[part]).values;
  }

  function valueAt(step, unit) {
    const value = trace.records[step][view.quantity][unit];
    return view.difference && before ? value - before.records[step][view.quantity][unit] : value;
  }

  function drawUnits() {
    const holds = holdsOf(view.quantity);
    order = Array.from({ length: cell.H }, (_, k) => k);
    if (view.sorted) order.sort((a, b) => holds[b] - holds[a]);
    const isGate = GATES.test(view.quantity) && !(view.difference && before);
    const steps = trace.records.length;
    let largest = 1e-12;
    for (let s = 0; s < steps; s++) {
      for (let k = 0; k < cell.H; k++) largest = Math.max(largest, Math.abs(valueAt(s, k)));
    }
    const colour = isGate ? sequential : (value) => diverging(value / largest);
    units.draw(cell.H, steps, (r, c) => valueAt(c, order[r]), colour);
    units.mark(page.t);
    drawMap(units.side.firstChild, cell.H, 40, (r, c) => Number(c < 40 * holds[order[r]]),
      (on) => on ? [90, 130, 170] : diverging(0));
    unitText.textContent = (isGate ? "Dark is 0, bright is 1. " : `Blue is −${short(largest)}, orange `
      + `is ${short(largest)}. `) + "A row is a unit. The bars on the right: how much of a unit's "
      + "value the first digit explains.";
  }

  function tell(step, share) {
    const unit = order[Math.floor(share * cell.H)];
    const record = trace.records[step - 1];
    const values = Object.keys(cell.shown).map((name) => `${name} ${short(record[name][unit])}`);
    unitText.textContent = `Unit ${unit + 1} after digit ${step}: ${values.join(", ")}. The first `
      + `digit explains ${percent(holdsOf(view.quantity)[unit])} of it.`;
  }

  function drawAnswer() {
    const { t, digits } = page;
    const probabilities = trace.probabilities[t - 1];
    const given = argmax(probabilities);
    const isRight = given === digits[0];
    const wrong = trace.probabilities.findIndex((p) => argmax(p) !== digits[0]);
    root.dataset.answer = given;
    root.dataset.right = isRight;
    answer.replaceChildren(
      el("span", { class: `verdict ${!isRight ? "wrong" : wrong < 0 ? "right" : ""}` },
        `${given}${!isRight ? " ✗" : wrong < 0 ? " ✓" : ""}`),
      el("span", {}, `After ${t} of ${digits.length} digits it would answer `, el("b", {}, given),
        ` (${percent(probabilities[given])})${isRight && wrong >= 0 ? ", which is right here" : ""}. `,
        wrong < 0 ? "It would be right after every digit."
          : el("a", { href: "#", onclick: (event) => { event.preventDefault(); page.go(wrong + 1); } },
            `First wrong after digit ${wrong + 1}.`)));
    bars.forEach((bar, k) => {
      bar.firstChild.style.width = `${100 * probabilities[k]}%`;
      bar.lastChild.textContent = probabilities[k] >= 0.005 ? percent(probabilities[k]) : "";
      bar.classList.toggle("best", k === given);
    });
  }

  function drawSaliency() {
    const { t, digits } = page;
    norms = saliency(cell, trace, t, argmax(trace.probabilities[t - 1]));
    const largest = Math.max(...norms, 1e-300);
    const rows = 40;
    resting.draw(rows, digits.length,
      (r, c) => Number(c < t && norms[c] / largest > 1 - (r + 1) / rows),
      (on) => on ? [217, 140, 40] : diverging(0));
    const total = norms.reduce((a, b) => a + b, 0) || 1;
    restingText.textContent = `Saliency: the gradient of this answer by each digit read so far. The `
      + `first digit has ${percent(norms[0] / total)} of it (${short(norms[0])}); the largest is that `
      + `of digit ${argmax(norms) + 1} (${short(largest)}).`;
    root.dataset.saliency = norms[0] / total;
  }

  function drawChange() {
    changed.textContent = "";
    if (!before) return;
    const [old, now] = [before, trace].map((one) => one.probabilities[one.probabilities.length - 1]);
    const [from, to] = [argmax(old), argmax(now)];
    const name = cell.state[0];
    const [a, b] = [before, trace].map((one) => one.records[one.records.length - 1][name]);
    const moved = norm(a.map((value, k) => value - b[k])) / Math.max(norm(a), 1e-12);
    changed.textContent = `${page.changeText}: the answer at the end `
      + (from === to ? `stays ${to}` : `turns from ${from} into ${to}`)
      + ` (${percent(old[from])} before, ${percent(now[to])} now); its hidden state moves by `
      + `${percent(moved)}.`;
  }

  const ticks = el("div", { class: "ticks" });
  function drawTicks() {
    const steps = page.digits.length;
    const apart = [1, 2, 5, 10, 20, 50, 100].find((step) => steps / step <= 10);
    const places = [1];
    for (let step = apart; step <= steps; step += apart) if (step > 1) places.push(step);
    ticks.replaceChildren(...places.map((step) =>
      el("span", { style: `left:${100 * (step - 0.5) / steps}%` }, step)));
  }

  const root = card(run.name, about, answer, changed,
    el("div", { class: "panels" },
      el("div", {},
        el("h3", {}, "What it would answer"), answers.root,
        el("h3", {}, "What the answer rests on"), resting.root,
        el("div", { class: "timemap" }, el("span"), ticks, el("span")), restingText),
      el("div", {},
        el("h3", {}, "Its units"),
        el("div", { class: "controls three" }, quantity.root, sorted.root, difference.root),
        units.root, unitText)));
  root.classList.add("run");

  return {
    root, cell,
    show(name, sort) {
      view.quantity = quantity.select.value = cell.shown[name] ? name : view.quantity;
      view.sorted = sorted.input.checked = sort;
    },
    // Read the digits anew; `keep` says whether the trace so far is one to compare with.
    read(digits, keep) {
      before = keep ? trace : null;
      trace = read(cell, digits);
      answers.draw(10, digits.length, (r, c) => trace.probabilities[c][r], sequential);
      drawTicks();
      drawUnits();
      drawChange();
    },
    draw() {
      drawAnswer();
      drawSaliency();
      for (const map of [answers, resting, units]) map.mark(page.t);
    },
    test() { testMemory(run, cell); },
  };
}

function testMemory(run, cell) {
  const { digits, logits, state, saliency: expected } = run.selftest;
  const computed = read(cell, digits);
  const last = digits.length - 1;
  expectClose(`logits of ${run.name}`, computed.logits.flatMap((row) => [...row]), logits.flat());
  cell.state.forEach((name, k) =>
    expectClose(`${name} of ${run.name}`, computed.records[last][name], state[k]));
  expectClose(`gradients of ${run.name}`,
    saliency(cell, computed, digits.length, argmax(computed.logits[last])), expected);
}
