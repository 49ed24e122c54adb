// Back through time: the gradient of a logit by each input that was read before it.
//
// `back(cell, record, before, d)` takes the gradient `d` by what the cell carries after a step, by
// name, and gives the gradient by the step's input and by what was carried before.

const BACK = { rnn: backRnn, lstm: backLstm, gru: backGru, min_gru: backMinGru };

// How much each of the first t digits moves the logit of `answer` after digit t, from 1:
// the norm of the gradient by the input of each digit, [t].
function saliency(cell, trace, t, answer) {
  const H = cell.H;
  let d = {};
  for (const name of cell.state) d[name] = new Float64Array(H);
  d[cell.state[0]].set(cell.readOut.W.subarray(answer * H, (answer + 1) * H));
  const norms = new Float64Array(t);
  for (let s = t - 1; s >= 0; s--) {
    const back = BACK[cell.kind](cell, trace.records[s], s > 0 ? trace.records[s - 1] : null, d);
    norms[s] = norm(back.x);
    d = back.d;
  }
  return norms;
}

// The gradient by input and h(t-1) of a = Wx x + Wh h(t-1) + b.
function backAffine(cell, da) {
  return {
    x: addTransposed(new Float64Array(cell.D), cell.Wx, da),
    h: addTransposed(new Float64Array(cell.H), cell.Wh, da),
  };
}

function backRnn(cell, { h }, before, d) {
  const da = new Float64Array(cell.H);
  for (let k = 0; k < cell.H; k++) {
    da[k] = d.h[k] * (cell.relu ? Number(h[k] > 0) : 1 - h[k] * h[k]);
  }
  const { x, h: dh } = backAffine(cell, da);
  return { x, d: { h: dh } };
}

function backLstm(cell, { g, i, f, o, c }, before, d) {
  const H = cell.H;
  const da = new Float64Array(4 * H);
  const dcBefore = new Float64Array(H);
  for (let k = 0; k < H; k++) {
    const bounded = Math.tanh(c[k]);
    const dc = d.c[k] + d.h[k] * o[k] * (1 - bounded * bounded);
    da[k] = dc * i[k] * (1 - g[k] * g[k]);
    da[H + k] = dc * g[k] * i[k] * (1 - i[k]);
    da[2 * H + k] = before ? dc * before.c[k] * f[k] * (1 - f[k]) : 0;
    da[3 * H + k] = d.h[k] * bounded * o[k] * (1 - o[k]);
    dcBefore[k] = dc * f[k];
  }
  const { x, h } = backAffine(cell, da);
  return { x, d: { h, c: dcBefore } };
}

function backGru(cell, { r, z, n, m }, before, d) {
  const H = cell.H;
  const da = new Float64Array(3 * H); // by Wx x + b
  const du = new Float64Array(3 * H); // by Wh h(t-1)
  const kept = new Float64Array(H);
  for (let k = 0; k < H; k++) {
    const old = before ? before.h[k] : 0;
    const dn = d.h[k] * (1 - z[k]) * (1 - n[k] * n[k]);
    da[k] = dn * m[k] * r[k] * (1 - r[k]);
    da[H + k] = d.h[k] * (old - n[k]) * z[k] * (1 - z[k]);
    da[2 * H + k] = dn;
    du[k] = da[k];
    du[H + k] = da[H + k];
    du[2 * H + k] = dn * r[k];
    kept[k] = d.h[k] * z[k];
  }
  const x = addTransposed(new Float64Array(cell.D), cell.Wx, da);
  return { x, d: { h: addTransposed(kept, cell.Wh, du) } };
}

function backMinGru(cell, record, before, d) {
  const H = cell.H;
  const result = {};
  let fromAbove = new Float64Array(H);
  for (let l = cell.layers.length; l >= 1; l--) {
    const [z, n, a, s] = ["z", "n", "a", "s"].map((name) => record[name + l]);
    const isSigned = cell.transition === "signed";
    const da = new Float64Array((cell.transition === "positive" ? 2 : 3) * H);
    const kept = new Float64Array(H);
    for (let k = 0; k < H; k++) {
      const dh = d[`h${l}`][k] + fromAbove[k];
      const old = before ? before[`h${l}`][k] : 0;
      da[k] = dh * (n[k] - (isSigned ? 0 : s[k] * old)) * z[k] * (1 - z[k]);
      da[H + k] = dh * z[k];
      if (cell.transition !== "positive") {
        da[2 * H + k] = dh * old * (isSigned ? 1 : 1 - z[k]) * (1 - s[k] ** 2);
      }
      kept[k] = dh * a[k];
    }
    result[`h${l}`] = kept;
    fromAbove = addTransposed(new Float64Array(l === 1 ? cell.D : H), cell.layers[l - 1].W, da);
  }
  return { x: fromAbove, d: result };
}
