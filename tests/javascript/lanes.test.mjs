// The numbers behind the timeline chart.
import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, gapsOf, nearest, ranked, stacked } from "../../static/js/lib/lanes.js";

const FACE = [[0.5, null, 0.1], [0.3, null, 0.2], [0.2, null, 0.7]];

test("layers lie on one another, the top one is the whole", () => {
  const [top, middle, bottom] = stacked(FACE);
  assert.deepEqual(bottom, [0.5, null, 0.1]);
  assert.ok(Math.abs(middle[0] - 0.8) < 1e-9 && Math.abs(top[0] - 1) < 1e-9);
});

test("a gap is a gap in every layer", () => {
  for (const layer of stacked(FACE)) assert.equal(layer[1], null);
});

test("neighbours with one reason are one gap, others are not", () => {
  const gaps = gapsOf([0, 0.2, 0.4, 0.6, 0.8], ["no face", "no face", null, "no face", "too dark"], 0.2);
  assert.deepEqual(gaps.map(({ reason }) => reason), ["no face", "no face", "too dark"]);
  assert.deepEqual([gaps[0].from, gaps[0].to.toFixed(1)], [0, "0.3"]);
});

test("the nearest point, before, between and after", () => {
  const at = [0, 0.2, 0.4];
  assert.deepEqual([-1, 0.09, 0.11, 0.31, 9].map((seconds) => nearest(at, seconds)), [0, 0, 1, 2, 2]);
  assert.equal(nearest([], 1), -1);
});

test("labels are ranked by their share, and nothing is ranked in a gap", () => {
  assert.deepEqual(ranked(FACE, ["a", "b", "c"], 2).map(({ label }) => label), ["c", "b", "a"]);
  assert.equal(ranked(FACE, ["a", "b", "c"], 1), null);
});

test("a clock of minutes and seconds", () => {
  assert.deepEqual([0, 9.99, 60, 3599].map(clock), ["0:00", "0:09", "1:00", "59:59"]);
});
