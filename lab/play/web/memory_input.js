// The digits of a memory page: typed, drawn, changed one by one, and read step by step.

const SHORTEST = 3;
const LONGEST = 500;

// What may be read: { digits } without the last digit of the whole, or { error }.
function parseDigits(text) {
  const compact = text.replace(/\s/g, "");
  const foreign = compact.match(/[^0-9]/u);
  if (foreign) return { error: `Only the digits 0 to 9 can be read, and “${foreign[0]}” is none.` };
  if (compact.length < SHORTEST || compact.length > LONGEST) {
    return { error: `${compact.length} digits are given, and T goes from ${SHORTEST} to ${LONGEST}.` };
  }
  const digits = [...compact].map(Number);
  const isPalindrome = compact === [...compact].reverse().join("");
  return { digits: digits.slice(0, -1), note: isPalindrome ? ""
    : "This is no palindrome. The network was trained on palindromes only; it still should give "
      + `the first digit, ${digits[0]}.` };
}

// The first T-1 digits of a random palindrome of T digits.
function randomPalindrome(T) {
  const half = Array.from({ length: Math.ceil(T / 2) }, () => Math.floor(10 * Math.random()));
  return [...half, ...half.slice(0, Math.floor(T / 2)).reverse()].slice(0, -1);
}

// The card with the digits. `page` has digits, t, mirrored, and the actions setDigits, change, go
// and resize.
function inputCard(page) {
  const strip = el("div", { class: "strip", tabindex: 0, role: "group",
    "aria-label": "The digits that are read. Left and right arrows step, a digit key changes." });
  strip.addEventListener("pointerdown", (event) => {
    const place = Array.from(strip.children).indexOf(event.target);
    if (place >= 0 && place < page.digits.length) page.go(place + 1);
  });

  const text = el("input", { type: "text", inputmode: "numeric", "aria-label": "digits",
    spellcheck: "false", autocomplete: "off" });
  const message = el("p", { class: "message", role: "status" });
  const useText = () => {
    const { digits, error, note } = parseDigits(text.value);
    if (error) return say(error, true);
    if (page.setDigits(digits)) say(note || "");
  };
  text.addEventListener("change", useText);
  text.addEventListener("keydown", (event) => event.key === "Enter" && useText());

  const length = slider({ label: "Length T", min: SHORTEST, max: LONGEST, step: 1, exact: true,
    value: page.digits.length + 1, hint: "A new palindrome of T digits, of which T-1 are read.",
    on: (T) => page.resize(T) });
  const turn = (by) => page.change(page.t, (page.digits[page.t - 1] + by + 10) % 10);
  const mirror = toggle({ label: "keep it a palindrome", checked: true,
    hint: "A changed digit changes its mirror image too.", on: (on) => { page.mirrored = on; } });
  const play = player((by) => page.go(page.t + by), "Read one digit after the other");
  const keyboard = (event) => {
    if (event.target.matches("select, input:not([type=checkbox])")) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      ArrowRight: () => page.go(page.t + 1),
      ArrowLeft: () => page.go(page.t - 1),
      Home: () => page.go(1),
      End: () => page.go(page.digits.length),
      ArrowUp: () => turn(1),
      ArrowDown: () => turn(-1),
    };
    const action = /^[0-9]$/.test(event.key)
      ? () => page.change(page.t, Number(event.key)) : actions[event.key];
    if (!action) return;
    event.preventDefault();
    play.stop();
    action();
  };
  document.addEventListener("keydown", keyboard);

  function say(words, isError = false) {
    message.textContent = words;
    message.classList.toggle("error", isError);
  }

  function draw() {
    const { digits, t } = page;
    if (strip.children.length !== digits.length + 1) {
      strip.replaceChildren(...digits.map(() => el("span")), el("span", { class: "last",
        title: "The digit to be given; it equals the first. The network does not read it." }));
    }
    const mirrorOf = digits.length + 1 - t; // counted from 0
    Array.from(strip.children).forEach((box, k) => {
      box.textContent = k < digits.length ? digits[k] : digits[0];
      box.classList.toggle("now", k === t - 1);
      box.classList.toggle("mirror", k === mirrorOf);
      box.classList.toggle("ahead", k >= t);
    });
    const now = strip.children[t - 1];
    if (now.offsetTop < strip.scrollTop || now.offsetTop > strip.scrollTop + strip.clientHeight - 20) {
      strip.scrollTop = now.offsetTop - 30;
    }
    strip.classList.toggle("large", digits.length < 32);
    strip.dataset.t = t;
    if (document.activeElement !== text) text.value = [...digits, digits[0]].join("");
    length.set(digits.length + 1);
  }

  const root = card("The digits", "The network reads a palindrome from the left, all digits but the "
    + "last, and must give the last. It equals the first, so the network must remember. Click a "
    + "digit to go there; type a digit to change it; ← and → step.",
    strip, message,
    el("div", { class: "controls" },
      control("Read", "Play, pause, or go step by step.", play.root),
      control("Your own", "T digits, a palindrome; press Enter to read them.", text),
      control("Random", "A new palindrome of the same length.",
        button("Draw a palindrome", "Draw a new random palindrome of the same length",
          () => page.resize(page.digits.length + 1))),
      length.root,
      control("The marked digit", "Change it by 1, or type another one.",
        button("−", "One less", () => turn(-1), { "aria-label": "one less" }),
        button("+", "One more", () => turn(1), { "aria-label": "one more" })),
      mirror.root));
  return { root, draw, say };
}
