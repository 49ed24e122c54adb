// A chain of layers with the weights of the run: a generator, or the classifier of its images.
//
// Images are flat, channel by channel, row by row, with their shape [channels, height, width].

function makeNetwork(layers) {
  const ready = layers.map((layer) => {
    const arrays = {};
    for (const name of ["weight", "bias", "scale", "shift"]) {
      if (layer[name]) arrays[name] = decode(layer[name]);
    }
    return { ...layer, ...arrays };
  });
  // The values that the chain makes of `x`; `shape` is that of an image, or null for a vector.
  return (x, shape = null) => {
    let values = x;
    let form = shape;
    for (const layer of ready) [values, form] = LAYERS[layer.kind](layer, values, form);
    return values;
  };
}

const LAYERS = {
  linear({ weight, bias }, x) {
    const out = new Float32Array(weight.shape[0]);
    return [affine(out, weight.values, x, bias ? bias.values : null), null];
  },

  // A factor and a summand for each channel, or for each value where there are no channels.
  scale({ scale, shift }, x, shape) {
    const out = new Float32Array(x.length);
    const size = shape ? shape[1] * shape[2] : 1;
    for (let k = 0; k < out.length; k++) {
      const channel = size === 1 ? k : Math.floor(k / size);
      out[k] = x[k] * scale.values[channel] + shift.values[channel];
    }
    return [out, shape];
  },

  leaky_relu({ slope }, x, shape) {
    return [x.map((value) => (value > 0 ? value : slope * value)), shape];
  },

  tanh(layer, x, shape) {
    return [x.map(Math.tanh), shape];
  },

  shape({ shape }, x) {
    return [x, shape];
  },

  // What lies in the upper left corner, of this shape.
  crop({ shape: [channels, down, across] }, x, [, height, width]) {
    const out = new Float32Array(channels * down * across);
    for (let c = 0, k = 0; c < channels; c++) {
      for (let r = 0; r < down; r++) {
        const from = (c * height + r) * width;
        for (let q = 0; q < across; q++, k++) out[k] = x[from + q];
      }
    }
    return [out, [channels, down, across]];
  },

  // The largest value of each square of `size` times `size`.
  pool({ size }, x, [channels, height, width]) {
    const [down, across] = [Math.floor(height / size), Math.floor(width / size)];
    const out = new Float32Array(channels * down * across);
    for (let c = 0, k = 0; c < channels; c++) {
      for (let r = 0; r < down; r++) {
        for (let q = 0; q < across; q++, k++) {
          let best = -Infinity;
          for (let i = 0; i < size; i++) {
            const at = (c * height + r * size + i) * width + q * size;
            for (let j = 0; j < size; j++) if (x[at + j] > best) best = x[at + j];
          }
          out[k] = best;
        }
      }
    }
    return [out, [channels, down, across]];
  },

  convolution({ weight, bias, stride, padding }, x, [channels, height, width]) {
    const [outs, , kernel] = weight.shape;
    const side = (length) => Math.floor((length + 2 * padding - kernel) / stride) + 1;
    const [down, across] = [side(height), side(width)];
    const out = new Float32Array(outs * down * across);
    if (bias) for (let o = 0; o < outs; o++) out.fill(bias.values[o], o * down * across, (o + 1) * down * across);
    // Of the rows, or columns, of the output those that a place of the kernel reaches.
    const reach = (place, length, count) => [Math.max(0, Math.ceil((padding - place) / stride)),
      Math.min(count - 1, Math.floor((length - 1 + padding - place) / stride))];
    for (let o = 0; o < outs; o++) {
      for (let c = 0; c < channels; c++) {
        for (let i = 0; i < kernel; i++) {
          const [top, bottom] = reach(i, height, down);
          for (let j = 0; j < kernel; j++) {
            const factor = weight.values[((o * channels + c) * kernel + i) * kernel + j];
            const [left, right] = reach(j, width, across);
            for (let r = top; r <= bottom; r++) {
              const to = (o * down + r) * across;
              const from = (c * height + r * stride + i - padding) * width + j - padding;
              for (let q = left; q <= right; q++) out[to + q] += factor * x[from + q * stride];
            }
          }
        }
      }
    }
    return [out, [outs, down, across]];
  },

  transposed_convolution({ weight, bias, stride, padding }, x, [channels, height, width]) {
    const [, outs, kernel] = weight.shape;
    const side = (length) => (length - 1) * stride - 2 * padding + kernel;
    const [down, across] = [side(height), side(width)];
    const out = new Float32Array(outs * down * across);
    if (bias) for (let o = 0; o < outs; o++) out.fill(bias.values[o], o * down * across, (o + 1) * down * across);
    // Of the input those rows, or columns, that a place of the kernel puts inside the output.
    const reach = (place, length, count) => [Math.max(0, Math.ceil((padding - place) / stride)),
      Math.min(length - 1, Math.floor((count - 1 + padding - place) / stride))];
    for (let c = 0; c < channels; c++) {
      for (let o = 0; o < outs; o++) {
        for (let i = 0; i < kernel; i++) {
          const [top, bottom] = reach(i, height, down);
          for (let j = 0; j < kernel; j++) {
            const factor = weight.values[((c * outs + o) * kernel + i) * kernel + j];
            const [left, right] = reach(j, width, across);
            for (let r = top; r <= bottom; r++) {
              const from = (c * height + r) * width;
              const to = (o * down + r * stride + i - padding) * across + j - padding;
              for (let q = left; q <= right; q++) out[to + q * stride] += factor * x[from + q];
            }
          }
        }
      }
    }
    return [out, [outs, down, across]];
  },
};
