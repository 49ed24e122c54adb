// The recurrent cells, step by step, with the weights of the run and in double precision.
//
// A cell has `state`, the names of what it carries (h of the read-out first), `shown`, what a
// reader may look at, and `step(x, before)`, which gives a record of all its values after the
// input x; `before` is the record of the step before, or null. The gradients are in gradients.js.

function makeCell(run) {
  const weights = {};
  for (const [name, tensor] of Object.entries(run.weights)) weights[name] = decode(tensor).values;
  const D = run.input === "one_hot" ? 10 : 1;
  const makers = { rnn: rnnCell, irnn: rnnCell, lstm: lstmCell, gru: gruCell, min_gru: minGruCell };
  const cell = makers[run.cell](weights, run.hidden, D, run.cell);
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

function rnnCell(weights, H, D, kind) {
  const { Wx, Wh, b } = affineParts(weights, "h");
  const relu = kind === "irnn";
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

// One layer above the other; the values of layer l are named h1, z1, n1, then h2, z2, n2, …
function minGruCell(weights, H) {
  const layers = [];
  for (let l = 0; weights[`zn.${l}.weight`]; l++) {
    layers.push({ W: weights[`zn.${l}.weight`], b: weights[`zn.${l}.bias`] });
  }
  const numbers = layers.map((_, l) => l + 1).reverse();
  const shown = {};
  for (const l of numbers) {
    shown[`h${l}`] = `hidden state h of layer ${l}`;
    shown[`z${l}`] = `gate z of layer ${l} (0 keeps h)`;
    shown[`n${l}`] = `candidate n of layer ${l}`;
  }
  return {
    kind: "min_gru", layers,
    state: numbers.map((l) => `h${l}`),
    shown,
    step(x, before) {
      const record = {};
      let input = x;
      layers.forEach(({ W, b }, index) => {
        const l = index + 1;
        const a = affine(new Float64Array(2 * H), W, input, b);
        const [z, n, h] = [new Float64Array(H), a.slice(H), new Float64Array(H)];
        for (let k = 0; k < H; k++) {
          z[k] = sigmoid(a[k]);
          h[k] = (before ? (1 - z[k]) * before[`h${l}`][k] : 0) + z[k] * n[k];
        }
        Object.assign(record, { [`z${l}`]: z, [`n${l}`]: n, [`h${l}`]: h });
        input = h;
      });
      return record;
    },
  };
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
    logits.push(affine(new Float64Array(10), cell.readOut.W, h, cell.readOut.b));
  }
  return { digits, records, logits, probabilities: logits.map(softmax) };
}
