/**
 * Words that two texts do not share (Myers, "An O(ND) difference algorithm", 1986).
 *
 * `words(left, right)` returns `{left, right}`: each a list of `[text, isOwn]`, which joined is the text itself. Texts that
 * are too long or too different to be compared word by word while somebody waits are compared line by line.
 */
const MOST_WORDS = 20_000;
const MOST_CHANGES = 1_500;
const LINES = /(?<=\n)/;
const WORDS = new Intl.Segmenter(undefined, { granularity: "word" }); // also where words stand without spaces

export function words(left, right) {
  return compared(split(left), split(right)) ?? compared(left.split(LINES), right.split(LINES)) ?? { left: [[left, true]], right: [[right, true]] };
}

function split(text) {
  return Array.from(WORDS.segment(text), ({ segment }) => segment);
}

/** Null where that would take too long. */
function compared(a, b) {
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return null;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [ofA, ofB] = [new Uint8Array(a.length), new Uint8Array(b.length)];
  ofA.fill(1, 0, start).fill(1, a.length - end);
  ofB.fill(1, 0, start).fill(1, b.length - end);
  // What stands on one side alone is that side's own; only the rest has to be laid side by side.
  const [inA, inB] = [new Set(a), new Set(b)];
  const restA = places(a, start, a.length - end, inB);
  const restB = places(b, start, b.length - end, inA);
  const shared = common(restA.map((place) => a[place]), restB.map((place) => b[place]));
  if (shared === null) return null;
  for (const [x, y] of shared) ofA[restA[x]] = ofB[restB[y]] = 1;
  return { left: runs(a, ofA), right: runs(b, ofB) };
}

function places(tokens, start, end, known) {
  const found = [];
  for (let place = start; place < end; place += 1) if (known.has(tokens[place])) found.push(place);
  return found;
}

/** Places of a longest common subsequence of `a` and `b`. */
function common(a, b) {
  const [n, m] = [a.length, b.length];
  if (!n || !m) return [];
  const most = Math.min(n + m, MOST_CHANGES);
  const reach = new Int32Array(2 * most + 3);
  const trace = [];
  for (let d = 0; d <= most; d += 1) {
    // Only the 2d + 1 diagonals that this step can touch are kept.
    trace.push(reach.slice(most + 1 - d - 1, most + 1 + d + 2));
    for (let k = -d; k <= d; k += 2) {
      const at = most + 1 + k;
      const isDown = k === -d || (k !== d && reach[at - 1] < reach[at + 1]);
      let x = isDown ? reach[at + 1] : reach[at - 1] + 1;
      let y = x - k;
      while (x < n && y < m && a[x] === b[y]) {
        x += 1;
        y += 1;
      }
      reach[at] = x;
      if (x >= n && y >= m) return walk(trace, n, m);
    }
  }
  return null;
}

/** The way back from the end of both texts, step by step, along the diagonals that each step had reached. */
function walk(trace, n, m) {
  const shared = [];
  let [x, y] = [n, m];
  for (let d = trace.length - 1; d > 0; d -= 1) {
    const of = (k) => trace[d][k + d + 1];
    const k = x - y;
    const isDown = k === -d || (k !== d && of(k - 1) < of(k + 1));
    const from = isDown ? k + 1 : k - 1;
    const beforeX = of(from);
    for (const stop = isDown ? beforeX : beforeX + 1; x > stop; ) shared.push([--x, --y]);
    [x, y] = [beforeX, beforeX - from];
  }
  while (x > 0) shared.push([--x, --y]);
  return shared;
}

function runs(tokens, isShared) {
  const out = [];
  tokens.forEach((token, place) => {
    const isOwn = !isShared[place];
    const last = out[out.length - 1];
    if (last && last[1] === isOwn) last[0] += token;
    else out.push([token, isOwn]);
  });
  return out;
}
