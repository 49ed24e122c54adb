// Vectors and matrices as typed arrays; a matrix is stored row by row.

// out = W x + b, with W [rows, columns]; b may be null. Four sums at a time, since a processor would
// otherwise wait for each addition.
function affine(out, W, x, b) {
  const rows = out.length;
  const columns = x.length;
  const whole = columns - columns % 4;
  for (let r = 0, k = 0; r < rows; r++) {
    let p = b ? b[r] : 0;
    let q = 0;
    let s = 0;
    let t = 0;
    let c = 0;
    for (; c < whole; c += 4, k += 4) {
      p += W[k] * x[c];
      q += W[k + 1] * x[c + 1];
      s += W[k + 2] * x[c + 2];
      t += W[k + 3] * x[c + 3];
    }
    for (; c < columns; c++, k++) p += W[k] * x[c];
    out[r] = p + q + s + t;
  }
  return out;
}

// out += the transpose of W times v, with W [rows, columns], v [rows] and out [columns].
function addTransposed(out, W, v) {
  const rows = v.length;
  const columns = out.length;
  for (let r = 0, k = 0; r < rows; r++) {
    const factor = v[r];
    if (factor === 0) {
      k += columns;
      continue;
    }
    for (let c = 0; c < columns; c++, k++) out[c] += factor * W[k];
  }
  return out;
}

function sigmoid(x) {
  const small = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : small) / (1 + small);
}

function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

function softmax(logits) {
  const largest = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

function norm(values) {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

// The sum of weights[i] * vectors[i], as a Float32Array.
function combine(weights, vectors) {
  const out = new Float32Array(vectors[0].length);
  vectors.forEach((vector, i) => {
    for (let k = 0; k < out.length; k++) out[k] += weights[i] * vector[k];
  });
  return out;
}

// The share of the standard normal distribution below x (West 2005; error below 1e-7 here).
function normalShare(x) {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const polynomial = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937
    + t * (-1.821255978 + t * 1.330274429))));
  const tail = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI) * polynomial;
  return x >= 0 ? 1 - tail : tail;
}

// The x below which this share of the standard normal distribution lies, by bisection.
function normalQuantile(share) {
  let low = -8;
  let high = 8;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

// A number from the standard normal distribution.
function randomNormal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
