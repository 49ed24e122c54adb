// The pieces that every page is made of. Each control has a line that says what it does.

function card(title, hint, ...children) {
  return el("section", { class: "card" }, el("h2", {}, title),
    hint ? el("p", { class: "hint" }, hint) : null, ...children);
}

function control(label, hint, ...children) {
  return el("div", { class: "control" }, el("span", { class: "label" }, label),
    el("div", { class: "line" }, ...children), hint ? el("small", {}, hint) : null);
}

function button(label, hint, onclick, attributes = {}) {
  return el("button", { type: "button", title: hint, onclick, ...attributes }, label);
}

// A slider with its value beside it. `on(value)` is called while it is dragged. Where the value
// must be exact, it can be typed too.
function slider({ label, hint, min, max, step, value, show = String, exact = false, on }) {
  const input = el("input", { type: "range", min, max, step, value, "aria-label": label });
  const output = exact
    ? el("input", { type: "number", min, max, step, value, "aria-label": `${label}, exactly` })
    : el("output", {}, show(value));
  const tell = () => {
    if (!exact) output.textContent = show(Number(input.value));
    else if (document.activeElement !== output) output.value = input.value;
  };
  input.addEventListener("input", () => {
    tell();
    on(Number(input.value));
  });
  if (exact) {
    output.addEventListener("change", () => {
      input.value = output.value; // the browser keeps it between min and max
      output.value = input.value;
      on(Number(input.value));
    });
  }
  return {
    root: control(label, hint, input, output),
    input,
    get value() { return Number(input.value); },
    set(next) {
      input.value = next;
      tell();
    },
  };
}

// A choice of a few: `options` are { value: label }.
function choice({ label, hint, options, value, on }) {
  const select = el("select", { "aria-label": label, onchange: () => on(select.value) },
    ...Object.entries(options).map(([key, text]) =>
      el("option", { value: key, selected: key === value }, text)));
  return { root: control(label, hint, select), select };
}

function toggle({ label, hint, checked, on }) {
  const input = el("input", { type: "checkbox", checked, onchange: () => on(input.checked) });
  return { root: el("label", { class: "toggle" }, input, ` ${label}`,
    el("small", {}, hint)), input };
}

// Play, pause and step. `advance(by)` moves by so many steps and says whether there are more.
function player(advance, hint) {
  let timer = null;
  let delay = 150;
  const play = button("▶ Play", hint, () => (timer ? stop() : start()), { class: "play" });
  function stop() {
    clearTimeout(timer);
    timer = null;
    play.textContent = "▶ Play";
  }
  function tick() {
    if (advance(1)) timer = setTimeout(tick, delay);
    else stop();
  }
  function start() {
    play.textContent = "❚❚ Pause";
    timer = setTimeout(tick, 0);
  }
  const root = el("div", { class: "line" },
    button("◀", "One step back", () => { stop(); advance(-1); }, { "aria-label": "one step back" }),
    play,
    button("▶", "One step on", () => { stop(); advance(1); }, { "aria-label": "one step on" }));
  return { root, stop, start, setDelay(next) { delay = next; } };
}

// Experiments: { text, setUp }. The button sets the page up for it.
function tries(list) {
  const items = list.map(({ text, setUp }) => el("li", {}, `${text} `,
    setUp ? button("Set it up", "Set the page up for this experiment", () => {
      setUp();
      scrollTo({ top: 0, behavior: "smooth" });
    }, { class: "small" }) : null));
  return card("What to try", null, el("ol", { class: "tries" }, ...items));
}

// What a run without known equations has: the reason, and the pictures drawn in training.
function recordedPictures(recorded) {
  return el("div", {}, el("p", { class: "notice" }, recorded.reason),
    ...(recorded.pictures.length ? recorded.pictures.map(({ title, image }) => el("figure", {},
      el("img", { src: image, alt: title, loading: "lazy" }), el("figcaption", {}, title)))
      : [el("p", {}, "The run's folder holds no pictures.")]));
}
