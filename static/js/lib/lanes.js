// A timeline's numbers as a chart wants them. No DOM here, so that node can test it.

// Layers from the top down: each the sum of itself and those beneath. Painted in this order, every label shows exactly
// its own share. A gap is null in every layer.
export function stacked(face) {
  const layers = [];
  for (let label = face.length - 1; label >= 0; label--) {
    layers.push(face[0].map((_, at) => {
      if (face[label][at] === null) return null;
      let sum = 0;
      for (let below = 0; below <= label; below++) sum += face[below][at];
      return Math.min(1, sum);
    }));
  }
  return layers;
}

// Stretches without a reading: { from, to, reason } in seconds, neighbours with one reason joined.
export function gapsOf(at, reasons, step) {
  const gaps = [];
  reasons.forEach((reason, index) => {
    if (!reason) return;
    const last = gaps.at(-1);
    if (last && last.reason === reason && last.index === index - 1) {
      last.to = at[index] + step / 2;
      last.index = index;
    } else {
      gaps.push({ from: Math.max(0, at[index] - step / 2), to: at[index] + step / 2, reason, index });
    }
  });
  return gaps.map(({ from, to, reason }) => ({ from, to, reason }));
}

// The point nearest to a moment; -1 where there are none.
export function nearest(at, seconds) {
  if (!at.length) return -1;
  let low = 0, high = at.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle] < seconds) low = middle + 1; else high = middle;
  }
  return low > 0 && seconds - at[low - 1] <= at[low] - seconds ? low - 1 : low;
}

// The labels of one moment, the most probable first; null in a gap.
export function ranked(face, labels, index) {
  if (index < 0 || face[0]?.[index] == null) return null;
  return labels.map((label, row) => ({ label, share: face[row][index] })).sort((a, b) => b.share - a.share);
}

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
