// The recurrent cells, step by step, with the weights of the run and in double precision.
//
// A cell has `state`, the names of what it carries (h of the read-out first), `shown`, what a
// reader may look at, and `step(x, before)`, which gives a record of all its values after the
// input x; `before` is the record of the step before, or null. The gradients are in gradients.js.

function makeCell(run) {
  const weights = {};
  for (const [name, tensor] of Object.entries(run.weights)) weights[name] = decode(tensor).values;
  const D = run.input === "one_hot" ? run.symbols : 1;
  const makers = { rnn: rnnCell, irnn: rnnCell, lstm: lstmCell, gru: gruCell, min_gru: minGruCell };
  const make = (values) => makers[run.cell](values, run.hidden, run);
  const cell = run.layers ? blockCell(weights, run, make) : make(weights);
  cell.D = D;
  cell.H = run.hidden;
  cell.readOut = { W: weights.W_ph, b: weights.b_p };
  return cell;
}

// The gates' weights of this name, one above the other.
function stacked(weights, gates, name) {
  const parts = [...gates].map((gate) => weights[name.replace("_", `_${gate}`)]);
  const all = new Float32Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function affineParts(weights, gates) {
  return {
    Wx: stacked(weights, gates, "W_x"),
    Wh: stacked(weights, gates, "W_h"),
    b: stacked(weights, gates, "b_"),
  };
}

const STATE = { h: "hidden state h", c: "cell state c" };

function rnnCell(weights, H, run) {
  const { Wx, Wh, b } = affineParts(weights, "h");
  const relu = run.cell === "irnn";
  return {
    kind: "rnn", relu, Wx, Wh,
    state: ["h"],
    shown: { h: STATE.h },
    step(x, before) {
      const h = affine(new Float64Array(H), Wx, x, b);
      if (before) affine(h, Wh, before.h, h.slice());
      for (let k = 0; k < H; k++) h[k] = relu ? Math.max(h[k], 0) : Math.tanh(h[k]);
      return { h };
    },
  };
}

function lstmCell(weights, H) {
  const { Wx, Wh, b } = affineParts(weights, "gifo");
  return {
    kind: "lstm", Wx, Wh,
    state: ["h", "c"],
    shown: { c: STATE.c, h: STATE.h, f: "forget gate f", i: "input gate i", o: "output gate o",
      g: "candidate g" },
    step(x, before) {
      const a = affine(new Float64Array(4 * H), Wx, x, b);
      if (before) affine(a, Wh, before.h, a.slice());
      const [g, i, f, o, c, h] = Array.from({ length: 6 }, () => new Float64Array(H));
      for (let k = 0; k < H; k++) {
        g[k] = Math.tanh(a[k]);
        i[k] = sigmoid(a[H + k]);
        f[k] = sigmoid(a[2 * H + k]);
        o[k] = sigmoid(a[3 * H + k]);
        c[k] = g[k] * i[k] + (before ? before.c[k] * f[k] : 0);
        h[k] = Math.tanh(c[k]) * o[k];
      }
      return { h, c, g, i, f, o };
    },
  };
}

function gruCell(weights, H) {
  const { Wx, Wh, b } = affineParts(weights, "rzn");
  const b_nh = weights.b_nh;
  const nothing = new Float64Array(H);
  return {
    kind: "gru", Wx, Wh,
    state: ["h"],
    shown: { h: STATE.h, z: "update gate z (1 keeps h)", r: "reset gate r", n: "candidate n" },
    step(x, before) {
      const a = affine(new Float64Array(3 * H), Wx, x, b);
      const old = before ? before.h : nothing;
      const u = affine(new Float64Array(3 * H), Wh, old, null);
      const [r, z, n, h, m] = Array.from({ length: 5 }, () => new Float64Array(H));
      for (let k = 0; k < H; k++) {
        r[k] = sigmoid(a[k] + u[k]);
        z[k] = sigmoid(a[H + k] + u[H + k]);
        m[k] = u[2 * H + k] + b_nh[k];
        n[k] = Math.tanh(a[2 * H + k] + r[k] * m[k]);
        h[k] = (1 - z[k]) * n[k] + z[k] * old[k];
      }
      return { h, r, z, n, m };
    },
  };
}

// One layer above the other; the values of layer l are named h1, z1, n1, then h2, z2, n2, … With a
// transition that can be negative there is a1 too, what h is multiplied by.
function minGruCell(weights, H, run) {
  const signed = run.transition !== "positive";
  const layers = [];
  for (let l = 0; weights[`zn.${l}.weight`]; l++) {
    layers.push({ W: weights[`zn.${l}.weight`], b: weights[`zn.${l}.bias`] });
  }
  const numbers = layers.map((_, l) => l + 1).reverse();
  const shown = {};
  for (const l of numbers) {
    if (signed) shown[`a${l}`] = `transition a of layer ${l}`;
    shown[`h${l}`] = `hidden state h of layer ${l}`;
    shown[`z${l}`] = `gate z of layer ${l} (0 keeps h)`;
    shown[`n${l}`] = `candidate n of layer ${l}`;
  }
  return {
    kind: "min_gru", layers, transition: run.transition,
    state: numbers.map((l) => `h${l}`),
    shown,
    step(x, before) {
      const record = {};
      let input = x;
      layers.forEach(({ W, b }, index) => {
        const l = index + 1;
        const made = affine(new Float64Array((signed ? 3 : 2) * H), W, input, b);
        const [z, h, a, s] = Array.from({ length: 4 }, () => new Float64Array(H));
        const n = made.slice(H, 2 * H);
        for (let k = 0; k < H; k++) {
          z[k] = sigmoid(made[k]);
          s[k] = signed ? Math.tanh(made[2 * H + k]) : 1;
          a[k] = (run.transition === "signed" ? 1 : 1 - z[k]) * s[k];
          h[k] = (before ? a[k] * before[`h${l}`][k] : 0) + z[k] * n[k];
        }
        Object.assign(record, { [`a${l}`]: a, [`s${l}`]: s, [`z${l}`]: z, [`n${l}`]: n, [`h${l}`]: h });
        input = h;
      });
      return record;
    },
  };
}

// Embed, then for each layer add the cell's and the MLP's output of what is normalised, and normalise
// at the end. Of several layers, the values of layer 2 are named "h of block 2", …
function blockCell(weights, run, make) {
  const H = run.hidden;
  const of = (prefix) => Object.fromEntries(Object.entries(weights)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, values]) => [name.slice(prefix.length), values]));
  const layers = Array.from({ length: run.layers }, (_, l) => ({
    cell: make(of(`cells.${l}.`)), norm: of(`cell_norms.${l}.`),
    mlpNorm: of(`mlps.${l}.0.`), up: of(`mlps.${l}.1.`), down: of(`mlps.${l}.3.`),
  }));
  const [embed, last] = [of("embed."), of("norm.")];
  const named = (name, l) => (run.layers === 1 ? name : `${name} of block ${l + 1}`);
  const topFirst = layers.map((_, l) => l).reverse();
  const shown = {};
  for (const l of topFirst) {
    for (const [name, words] of Object.entries(layers[l].cell.shown)) {
      shown[named(name, l)] = run.layers === 1 ? words : `${words}, block ${l + 1}`;
    }
  }
  return {
    kind: "block",
    state: ["out", ...topFirst.flatMap((l) => layers[l].cell.state.map((name) => named(name, l)))],
    shown,
    step(x, before) {
      const h = affine(new Float64Array(H), embed.weight, x, embed.bias);
      const record = { inner: [] };
      const add = (values) => { for (let k = 0; k < H; k++) h[k] += values[k]; };
      layers.forEach(({ cell, norm, mlpNorm, up, down }, l) => {
        const inner = cell.step(normalised(h, norm), before && before.inner[l]);
        record.inner.push(inner);
        for (const [name, values] of Object.entries(inner)) record[named(name, l)] = values;
        add(inner[cell.state[0]]);
        if (!up.weight) return;
        const wide = affine(new Float64Array(up.bias.length), up.weight, normalised(h, mlpNorm), up.bias);
        add(affine(new Float64Array(H), down.weight, wide.map((value) => value * normalShare(value)),
          down.bias));
      });
      record.out = normalised(h, last);
      return record;
    },
  };
}

// LayerNorm, or RMSNorm where there is no bias.
function normalised(h, { weight, bias }) {
  const mean = bias ? h.reduce((a, b) => a + b, 0) / h.length : 0;
  const square = h.reduce((sum, value) => sum + (value - mean) ** 2, 0) / h.length;
  const factor = 1 / Math.sqrt(square + (bias ? 1e-5 : 2 ** -52));
  return h.map((value, k) => (value - mean) * factor * weight[k] + (bias ? bias[k] : 0));
}

// The digit as the cell's input.
function encode(cell, digit) {
  const x = new Float64Array(cell.D);
  if (cell.D === 1) x[0] = digit;
  else x[digit] = 1;
  return x;
}

// Read the digits: the records, the logits and the probabilities after each of them.
function read(cell, digits) {
  const records = [];
  const logits = [];
  let before = null;
  for (const digit of digits) {
    before = cell.step(encode(cell, digit), before);
    records.push(before);
    const h = before[cell.state[0]];
    logits.push(affine(new Float64Array(cell.readOut.b.length), cell.readOut.W, h, cell.readOut.b));
  }
  return { digits, records, logits, probabilities: logits.map(softmax) };
}
