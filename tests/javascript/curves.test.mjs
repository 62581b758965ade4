import assert from "node:assert/strict";
import test from "node:test";

import { aligned, figure, merged, seams } from "../../static/js/lib/curves.js";

const chart = (name) => ({ name, title: name, series: [[name, name]] });
const page = {
  after: 0, numbers: [1, 2, 3], phases: [1, 1, 2], figures: { loss: [3, 2, 1] }, recalls: { sad: [0, 0.5, 1] },
  charts: [chart("loss")], steps: {},
};

test("new epochs are put after those the page has", () => {
  const fresh = { ...page, after: 3, numbers: [4], phases: [2], figures: { loss: [0.5] }, recalls: { sad: [1] } };
  const whole = merged(page, fresh);
  assert.deepEqual(whole.numbers, [1, 2, 3, 4]);
  assert.deepEqual(whole.figures.loss, [3, 2, 1, 0.5]);
  assert.deepEqual(whole.recalls.sad, [0, 0.5, 1, 1]);
});

test("a figure that is new has nothing before, one that ended nothing after", () => {
  const fresh = { ...page, after: 3, numbers: [4], phases: [2], figures: { uar: [0.7] }, recalls: {}, charts: [chart("uar")] };
  const whole = merged(page, fresh);
  assert.deepEqual(whole.figures.uar, [null, null, null, 0.7]);
  assert.deepEqual(whole.figures.loss, [3, 2, 1, null]);
});

test("epochs that come again take the place of the old ones", () => {
  const fresh = { ...page, after: 1, numbers: [2], phases: [1], figures: { loss: [9] }, recalls: { sad: [0.1] } };
  assert.deepEqual(merged(page, fresh).figures.loss, [3, 9]);
});

test("a page without epochs takes what comes, and nothing new changes nothing", () => {
  assert.equal(merged(undefined, page), page);
  const none = { ...page, after: 3, numbers: [], phases: [], figures: {}, recalls: {}, charts: [] };
  assert.deepEqual(merged(page, none).figures.loss, [3, 2, 1]);
  assert.deepEqual(merged(page, none).charts, page.charts);
});

test("a line is drawn between two phases", () => {
  assert.deepEqual(seams([1, 2, 3, 4], [1, 1, 2, 3]), [2.5, 3.5]);
});

test("runs of unequal length share one axis", () => {
  const longer = { ...page, numbers: [1, 2, 3, 4], figures: { loss: [1, 1, 1, 1] } };
  assert.deepEqual(aligned([page, longer], "loss"), [[1, 2, 3, 4], [3, 2, 1, null], [1, 1, 1, 1]]);
  assert.deepEqual(aligned([page], "absent"), [[1, 2, 3], [null, null, null]]);
});

test("a figure shows digits that say something", () => {
  assert.deepEqual([null, 0, 0.12345, 2.5, 45.67, 1234.5, 0.00002, 5e8].map(figure), ["–", "0.000", "0.123", "2.50", "45.7", "1,235", "2.0e-5", "500.0 M"]);
});
