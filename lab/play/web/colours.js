// Colours that survive colour-blindness and a grey print.

// Cividis (Nuñez et al. 2018), at even steps from 0 to 1.
const CIVIDIS = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115],
  [138, 134, 120], [165, 156, 116], [195, 180, 105], [225, 204, 85], [254, 232, 56]];
const BELOW = [33, 113, 181];
const ABOVE = [217, 95, 2];

function between(a, b, share) {
  return a.map((value, k) => value + (b[k] - value) * share);
}

// The colour of a share, from 0, dark, to 1, bright.
function sequential(share) {
  const place = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(place), CIVIDIS.length - 2);
  return between(CIVIDIS[low], CIVIDIS[low + 1], place - low);
}

// The colour of a value from -1, blue, over the paper's at 0, to 1, orange.
function diverging(value) {
  const size = Math.min(Math.abs(value), 1);
  return between(isDark() ? [22, 26, 30] : [250, 250, 250], value < 0 ? BELOW : ABOVE, size);
}

function isDark() {
  return matchMedia("(prefers-color-scheme: dark)").matches;
}
