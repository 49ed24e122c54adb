// Build the page once the first paint is done, then test its numbers.

const BUILDERS = {
  state: typeof statePage === "function" ? statePage : null,
  memory: typeof memoryPage === "function" ? memoryPage : null,
  generation: typeof generationPage === "function" ? generationPage : null,
  by_hand: typeof byHandPage === "function" ? byHandPage : null,
};

function start() {
  const page = document.getElementById("page");
  try {
    const test = BUILDERS[data.kind](page);
    const footer = el("footer", {}, "Testing the page's numbers …");
    page.append(footer);
    setTimeout(() => {
      try {
        test();
        footer.textContent = `${concludeSelfTest()} ${data.runs.map(precision).join(" ")}`;
      } catch (error) {
        fail(error);
      }
    }, 30);
  } catch (error) {
    fail(error);
  }
}

// What the 16 bits of a run's weights cost.
function precision(run) {
  if (!run.weights && !run.layers) return "";
  const what = ["memory", "state"].includes(data.kind) ? "logits" : "pixels";
  return run.bits === 32
    ? `The weights of ${run.name} are in 32 bits, exactly as trained.`
    : `The weights of ${run.name} are in 16 bits, which moves the ${what} by up to `
      + `${short(run.cost)}.`;
}

function fail(error) {
  document.documentElement.dataset.selftest = "failed";
  showBanner(`This page cannot be shown (${error.message}). Make it again with lab play.`);
  console.error(error);
}

requestAnimationFrame(() => setTimeout(start));
