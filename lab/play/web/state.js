// The page of runs that track a state: they read symbols, and after each there is a right answer.

const LONGEST = 500;
const MOST_NAMES = 12; // states beside the map of answers

function statePage(root) {
  const { symbols: names, states, table } = data.runs[0].task;
  const random = (T) => Array.from({ length: T }, () => Math.floor(names.length * Math.random()));
  const page = { symbols: [], t: 1,
    go(t) {
      page.t = Math.min(Math.max(t, 1), page.symbols.length);
      show();
      return page.t < page.symbols.length;
    },
    read(symbols, t) {
      page.symbols = symbols;
      page.right = [];
      for (const symbol of symbols) page.right.push(table[page.right.at(-1) ?? 0][symbol]);
      page.t = Math.min(t || symbols.length, symbols.length);
      for (const run of runs) run.read();
      show();
    },
    turn(by) {
      const symbols = page.symbols.slice();
      symbols[page.t - 1] = (symbols[page.t - 1] + by + names.length) % names.length;
      page.read(symbols, page.t);
    },
  };

  const strip = el("div", { class: "strip", role: "group",
    "aria-label": "The symbols that are read. Left and right arrows step, up and down change." });
  strip.addEventListener("pointerdown", (event) => {
    const place = Array.from(strip.children).indexOf(event.target);
    if (place >= 0) page.go(place + 1);
  });
  const play = player((by) => page.go(page.t + by), "Read one symbol after the other");
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("select, input") || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = { ArrowRight: () => page.go(page.t + 1), ArrowLeft: () => page.go(page.t - 1),
      ArrowUp: () => page.turn(1), ArrowDown: () => page.turn(-1) }[event.key];
    if (!action) return;
    event.preventDefault();
    play.stop();
    action();
  });
  const first = data.runs[0];
  const length = slider({ label: "Length T", min: 1, max: LONGEST, step: 1, exact: true,
    value: Math.min(first.seq_len, LONGEST), hint: "New random symbols.", on: (T) => page.read(random(T)) });
  const input = card("The symbols", "The network reads them from the left. Click one to go there; "
    + "← and → step, ↑ and ↓ change it.", strip,
    el("div", { class: "controls" },
      control("Read", "Play, pause, or go step by step.", play.root),
      control("Random", "New symbols of the same length.", button("Draw symbols",
        "Draw new random symbols", () => page.read(random(page.symbols.length)))),
      length.root,
      control("The marked symbol", "Take the next one.", button("+", "The next symbol",
        () => page.turn(1), { "aria-label": "the next symbol" }))));

  const runs = first.task ? data.runs.map((run) => stateRun(run, page, states)) : [];
  const show = eachFrame(() => {
    if (strip.children.length !== page.symbols.length) {
      strip.replaceChildren(...page.symbols.map(() => el("span")));
    }
    Array.from(strip.children).forEach((box, k) => {
      box.textContent = names[page.symbols[k]];
      box.classList.toggle("now", k === page.t - 1);
      box.classList.toggle("ahead", k >= page.t);
      box.classList.toggle("wide", names[0].length > 2);
    });
    strip.dataset.t = page.t;
    length.set(page.symbols.length);
    for (const run of runs) run.draw();
  });
  const farther = Math.min(4 * first.seq_len, LONGEST);
  root.replaceChildren(el("h1", {}, data.title),
    el("p", { class: "lead" }, "A trained network reads symbols, and each of them changes a state. "
      + "Watch which state it believes in."),
    input, el("div", { class: runs.length > 1 ? "side-by-side" : "alone" }, ...runs.map((run) => run.root)),
    tries([
      { text: "Read step by step, and look at the units when the state changes.", setUp: () => page.go(1) },
      { text: "Change the first symbol with ↑. Every later answer must follow.",
        setUp: () => { page.go(1); page.turn(1); } },
      { text: `Let it read T=${farther}; it was trained at T=${first.seq_len}. Where is its first mistake?`,
        setUp: () => page.read(random(farther), 1) },
      ...(first.transition && first.transition !== "positive" ? [{ text: "Look at the transition a: "
        + "the units that count turn from orange to blue at the symbols that flip the state." }] : []),
    ]));
  page.read(random(Math.min(first.seq_len, LONGEST)));
  return () => { for (const run of runs) run.test(); };
}

function stateRun(run, page, states) {
  const cell = makeCell(run);
  const answer = el("p", { class: "answer", "aria-live": "polite" });
  const labels = states.length > MOST_NAMES ? "" : el("div", { class: "states",
    style: `grid-template-rows: repeat(${states.length}, 1fr)` }, ...states.map((name) => el("span", {}, name)));
  const beliefs = timeMap({ height: Math.min(Math.max(20 * states.length, 80), 240), left: labels,
    onPick: (step) => page.go(step), label: "The probability of each state after each symbol read" });
  const mistakes = timeMap({ height: 14, onPick: (step) => page.go(step),
    label: "Where its answer is wrong" });
  const units = timeMap({ height: 260, onPick: (step, share) => { page.go(step); tell(step, share); },
    onHover: (step, share) => tell(step, share), label: "The values of all units after each symbol" });
  const unitText = el("p", { class: "hint" });
  let quantity = Object.keys(cell.shown)[0];
  const choose = choice({ label: "Show", hint: "Which values of the units.", options: cell.shown,
    value: quantity, on: (value) => { quantity = value; drawUnits(); } });
  let trace = null;
  let given = [];

  function drawUnits() {
    const rows = trace.records.map((record) => record[quantity]);
    const isTransition = quantity.startsWith("a");
    const largest = isTransition ? 1
      : rows.reduce((most, row) => row.reduce((a, b) => Math.max(a, Math.abs(b)), most), 1e-12);
    units.draw(cell.H, rows.length, (r, c) => rows[c][r] / largest, diverging);
    units.mark(page.t);
    unitText.textContent = `Blue is −${short(largest)}, orange is ${short(largest)}. A row is a unit.`;
  }

  function tell(step, share) {
    const unit = Math.floor(share * cell.H);
    const values = Object.keys(cell.shown).map((name) => `${name} ${short(trace.records[step - 1][name][unit])}`);
    unitText.textContent = `Unit ${unit + 1} after symbol ${step}: ${values.join(", ")}.`;
  }

  const accuracy = run.accuracy == null ? "" : `; test accuracy ${percent(run.accuracy)}`;
  const root = card(run.name, `${run.label}; ${run.hidden} units; trained at T=${run.seq_len} for `
    + `${run.steps} steps${accuracy}`, answer,
    el("h3", {}, "Which state it believes in"), beliefs.root, mistakes.root,
    el("p", { class: "hint" }, "Bright is probable. The strip below is orange where the answer is wrong."),
    el("h3", {}, "Its units"), el("div", { class: "controls three" }, choose.root), units.root, unitText);
  root.classList.add("run", "tracks");

  return {
    root,
    read() {
      trace = read(cell, page.symbols);
      given = trace.probabilities.map(argmax);
      const steps = given.length;
      beliefs.draw(states.length, steps, (r, c) => trace.probabilities[c][r], sequential);
      mistakes.draw(1, steps, (_, c) => Number(given[c] !== page.right[c]), diverging);
      drawUnits();
    },
    draw() {
      const at = page.t - 1;
      const isRight = given[at] === page.right[at];
      const wrong = given.findIndex((state, k) => state !== page.right[k]);
      root.dataset.answer = given[at];
      answer.replaceChildren(
        el("span", { class: `verdict ${isRight ? "right" : "wrong"}` },
          `${states[given[at]]} ${isRight ? "✓" : "✗"}`),
        el("span", {}, `After ${page.t} of ${given.length} symbols it believes in `,
          el("b", {}, states[given[at]]), ` (${percent(trace.probabilities[at][given[at]])})`,
          isRight ? ". " : `; the state is ${states[page.right[at]]}. `,
          wrong < 0 ? "It is right after every symbol."
            : el("a", { href: "#", onclick: (event) => { event.preventDefault(); page.go(wrong + 1); } },
              `First wrong after symbol ${wrong + 1}.`)));
      for (const map of [beliefs, mistakes, units]) map.mark(page.t);
    },
    test() {
      const { digits, logits, state } = run.selftest;
      const computed = read(cell, digits);
      expectClose(`logits of ${run.name}`, computed.logits.flatMap((row) => [...row]), logits.flat());
      cell.state.forEach((name, k) =>
        expectClose(`${name} of ${run.name}`, computed.records.at(-1)[name], state[k]));
    },
  };
}
