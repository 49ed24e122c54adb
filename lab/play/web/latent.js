// Points of the latent space: drawn, cut off, and put together.

const NO_TRUNCATION = 4; // beyond it lies 1 number in 16,000

function randomZ(length) {
  return Float32Array.from({ length }, randomNormal);
}

// The same z as if drawn from the normal distribution between -limit and limit.
function truncated(z, limit) {
  if (limit >= NO_TRUNCATION) return z;
  const [low, high] = [normalShare(-limit), normalShare(limit)];
  return z.map((value) => normalQuantile(low + (high - low) * normalShare(value)));
}

// Between two points, at the share a of the way: straight, or turning at an even speed with the
// length going evenly from the one to the other.
function interpolate(start, end, a, spherical) {
  if (!spherical) return combine([1 - a, a], [start, end]);
  const [p, q] = [norm(start), norm(end)];
  let cosine = 0;
  for (let k = 0; k < start.length; k++) cosine += start[k] * end[k] / (p * q);
  const angle = Math.acos(Math.min(Math.max(cosine, -1), 1));
  const length = p + a * (q - p);
  if (Math.sin(angle) < 1e-6) return combine([length / p], [start]);
  return combine([length * Math.sin((1 - a) * angle) / (Math.sin(angle) * p),
    length * Math.sin(a * angle) / (Math.sin(angle) * q)], [start, end]);
}

// The point with these weights between several; with `keepLength` it is as long as they are.
function blend(weights, points, keepLength) {
  const z = combine(weights, points);
  if (!keepLength) return z;
  const wanted = points.reduce((sum, point, k) => sum + weights[k] * norm(point), 0);
  const factor = wanted / Math.max(norm(z), 1e-9);
  return z.map((value) => factor * value);
}
