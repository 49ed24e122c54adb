// The self-test: numbers that the page computes beside those that PyTorch wrote into it.

const TOLERANCE = 1e-4;
const tested = { values: 0, largest: 0, failures: [] };

// Compare numbers one by one; a difference counts relative to values above 1.
function expectClose(what, computed, expected) {
  if (computed.length !== expected.length) {
    tested.failures.push(`${what}: ${computed.length} values instead of ${expected.length}`);
    return;
  }
  let largest = 0;
  for (let k = 0; k < expected.length; k++) {
    const difference = Math.abs(computed[k] - expected[k]) / Math.max(1, Math.abs(expected[k]));
    largest = difference <= largest ? largest : difference; // NaN is kept
  }
  tested.values += expected.length;
  tested.largest = largest <= tested.largest ? tested.largest : largest;
  if (!(largest <= TOLERANCE)) tested.failures.push(`${what} differ by ${short(largest)}`);
}

// Tell the outcome: in the root element for a check from outside, in a banner if it failed.
function concludeSelfTest() {
  const passed = tested.failures.length === 0;
  document.documentElement.dataset.selftest = passed ? "ok" : "failed";
  if (!passed) {
    showBanner("This page computes other numbers than PyTorch did, so do not trust what it shows: "
      + tested.failures.join("; "));
  }
  if (tested.values === 0) return "This page computes nothing, so there is nothing to test.";
  return passed
    ? `Self-test passed: ${tested.values.toLocaleString("en")} numbers equal PyTorch's `
      + `(largest difference ${short(tested.largest)}, allowed ${TOLERANCE}).`
    : "Self-test failed.";
}

function showBanner(text) {
  const banner = document.getElementById("banner");
  banner.textContent = text;
  banner.hidden = false;
}
