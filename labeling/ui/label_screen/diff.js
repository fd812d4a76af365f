/**
 * Words that two texts do not share (Myers, "An O(ND) difference algorithm", 1986).
 *
 * `words(left, right)` returns `{left, right}`: each a list of `[text, isOwn]`, which joined is the text itself; or null where
 * the texts are too long or too different to be compared while somebody waits.
 */
const MOST_WORDS = 20_000;
const MOST_CHANGES = 1_500;

export function words(left, right) {
  const a = left.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  const b = right.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return null;
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const shared = common(a.slice(start, a.length - end), b.slice(start, b.length - end));
  if (shared === null) return null;
  const [ofA, ofB] = [new Uint8Array(a.length), new Uint8Array(b.length)];
  ofA.fill(1, 0, start).fill(1, a.length - end);
  ofB.fill(1, 0, start).fill(1, b.length - end);
  for (const [x, y] of shared) {
    ofA[start + x] = 1;
    ofB[start + y] = 1;
  }
  return { left: runs(a, ofA), right: runs(b, ofB) };
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
