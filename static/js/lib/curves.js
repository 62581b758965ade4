// Curves of a training run by column. No DOM here, so that node can test it.

// What a page has, with the epochs that came since. A figure that is new has nothing before; one that ended, nothing
// after. Epochs that come again take the place of those from there on.
export function merged(old, fresh) {
  if (!old || !fresh.after) return fresh;
  const kept = old.numbers.findIndex((number) => number > fresh.after);
  const length = kept < 0 ? old.numbers.length : kept;
  const columns = (before, after) => {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return Object.fromEntries(names.map((name) => [name, [
      ...(before[name] ?? []).slice(0, length), ...nothing(length - Math.min(length, before[name]?.length ?? 0)),
      ...(after[name] ?? nothing(fresh.numbers.length)),
    ]]));
  };
  return {
    ...fresh,
    numbers: [...old.numbers.slice(0, length), ...fresh.numbers],
    phases: [...old.phases.slice(0, length), ...fresh.phases],
    figures: columns(old.figures, fresh.figures),
    recalls: columns(old.recalls, fresh.recalls),
    charts: fresh.charts.length >= old.charts.length ? fresh.charts : old.charts,
  };
}

// The epochs after which the next phase begins: where a line is drawn.
export function seams(numbers, phases) {
  return numbers.filter((_, place) => place + 1 < phases.length && phases[place] !== phases[place + 1]).map((number) => number + 0.5);
}

// The same figure of several runs over one axis of epochs.
export function aligned(runs, name) {
  const numbers = [...new Set(runs.flatMap((run) => run.numbers))].sort((a, b) => a - b);
  const place = new Map(numbers.map((number, index) => [number, index]));
  const columns = runs.map((run) => {
    const column = nothing(numbers.length);
    run.numbers.forEach((number, index) => { column[place.get(number)] = run.figures[name]?.[index] ?? null; });
    return column;
  });
  return [numbers, ...columns];
}

// Three digits that say something, whatever the size.
export function figure(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (size >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (size && size < 0.001) return value.toExponential(1);
  if (size < 10) return value.toFixed(size < 1 ? 3 : 2);
  return size < 1000 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

function nothing(count) {
  return new Array(Math.max(0, count)).fill(null);
}
