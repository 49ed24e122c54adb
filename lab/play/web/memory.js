// The page of one memory run, or of two that read the same digits.

// What a step of playing may take, and what a digit takes here; each in milliseconds.
const limits = { step: 100, perDigit: null };

function memoryPage(root) {
  const page = {
    digits: [],
    t: 1,
    mirrored: true,
    changeText: "",

    // Read these digits; false where they are too many for this browser, which is said.
    setDigits(digits, { keep = false, t } = {}) {
      let most = longestInTime();
      if (digits.length + 1 > most) most = longestInTime(true);
      if (digits.length + 1 > Math.max(most, SHORTEST)) {
        input.say(`T=${digits.length + 1} would take ${Math.round(digits.length * limits.perDigit())} ms a `
          + `step in this browser, and ${limits.step} ms are allowed: up to T=${most} works.`, true);
        input.draw();
        return false;
      }
      page.digits = digits;
      page.t = Math.min(t || digits.length, digits.length);
      for (const run of runs) run.read(digits, keep);
      show();
      return true;
    },
    // Go to the step t, from 1; says whether there are more after it.
    go(t) {
      page.t = Math.min(Math.max(t, 1), page.digits.length);
      show();
      return page.t < page.digits.length;
    },
    // Put a digit at the place t, from 1, and at its mirror image.
    change(t, digit) {
      const digits = page.digits.slice();
      const from = digits[t - 1];
      digits[t - 1] = digit;
      const mirror = digits.length + 1 - t;
      if (page.mirrored && mirror < digits.length) digits[mirror] = digit;
      page.changeText = `Digit ${t} changed from ${from} to ${digit}`;
      page.setDigits(digits, { keep: true, t });
    },
    resize(T) {
      if (page.setDigits(randomPalindrome(T))) input.say("");
    },
  };
  const runs = data.runs.map((run) => memoryRun(run, page));
  const known = runs.filter((run) => run.cell);
  limits.perDigit = timer(known);
  const longestInTime = (again) => Math.floor(limits.step / limits.perDigit(again)) + 1;
  const drawInput = () => input.draw();
  const show = eachFrame(() => {
    drawInput();
    for (const run of runs) run.draw();
  });

  const first = data.runs[0];
  const T = Math.max(Math.min(first.seq_len, LONGEST, longestInTime()), SHORTEST);
  page.digits = randomPalindrome(T);
  const input = inputCard(page);
  root.replaceChildren(
    el("h1", {}, data.title),
    el("p", { class: "lead" }, data.runs.length > 1
      ? "Two networks read the same digits. Watch which of them still knows the first one."
      : "A trained network reads digits. Watch how it keeps the first one."),
    ...(known.length ? [input.root] : []),
    el("div", { class: runs.length > 1 ? "side-by-side" : "alone" }, ...runs.map((run) => run.root)),
    ...(known.length ? [tries(experiments(page, known))] : []));
  if (known.length) page.setDigits(page.digits);
  return () => { for (const run of known) run.test(); };
}

// How many milliseconds a digit costs all runs, forward and back: the least of several trials, with
// `again` the least of all so far, since a browser may have been busy with something else.
function timer(runs) {
  const digits = randomPalindrome(41);
  let least = null;
  return (again = false) => {
    if (least !== null && !again) return least;
    for (let trial = 0; trial < 6; trial++) {
      const begin = performance.now();
      for (const { cell } of runs) saliency(cell, read(cell, digits), digits.length, 0);
      const taken = (performance.now() - begin) / digits.length;
      least = Math.max(least === null ? taken : Math.min(least, taken), 1e-4);
    }
    return least;
  };
}

function experiments(page, runs) {
  const trained = data.runs[0].seq_len;
  const longer = Math.min(10 * trained, LONGEST);
  const middle = () => Math.floor(page.digits.length / 2);
  return [
    { text: "Read digit by digit. After the first digit the answer is easy; does it stay?",
      setUp: () => page.go(1) },
    { text: "Change the first digit. The answer must follow, at the end too.",
      setUp: () => {
        page.change(1, (page.digits[0] + 1) % 10);
        page.go(page.digits.length);
      } },
    { text: "Swap two digits in the middle. A network that has learnt the task answers as before: "
        + "the digits in between are of no use to it.",
      setUp: () => {
        const digits = page.digits.slice();
        const places = [middle() - 1, middle()].filter((k) => k > 0);
        if (places.length < 2) return;
        const [a, b] = places;
        if (digits[a] === digits[b]) digits[a] = (digits[a] + 1) % 10;
        [digits[a], digits[b]] = [digits[b], digits[a]];
        page.changeText = `Digits ${a + 1} and ${b + 1} swapped`;
        page.setDigits(digits, { keep: true });
      } },
    ...(trained < LONGEST ? [{ text: `Let it read T=${longer}. It was trained at T=${trained}: does it hold the digit for longer `
        + "than it ever had to?",
      setUp: () => page.resize(longer) }] : []),
    { text: "Sort the units. Those on top hold the first digit: look at how still they are, and at "
        + "their gates.",
      setUp: () => { runs.forEach((run) => run.show("c", true)); page.setDigits(page.digits); } },
    { text: "Compare the two lower pictures at the last step. A network may be right although the "
        + "gradient of the first digit is next to nothing: it holds the digit as a latch does.",
      setUp: () => page.go(page.digits.length) },
  ];
}
