/** Small helpers that make nodes. Text is always set as text; only the server's own rendering is ever read as HTML. */
const NAMES = {
  "\u00a0": "NBSP", "\u00ad": "SHY", "\u061c": "ALM", "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u200e": "LRM", "\u200f": "RLM",
  "\u2028": "LS", "\u2029": "PS", "\u202a": "LRE", "\u202b": "RLE", "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO", "\u2060": "WJ",
  "\u2066": "LRI", "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
};
// Control, format, surrogate, private and unassigned characters, separators that are no plain space, and fillers that look
// like nothing; line feeds and tabs do their work.
const INVISIBLE = /[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]|(?![\n\t ])[\p{C}\p{Z}]/gu;

const BLOCK = 2000; // characters: some thirty lines
const PIECES = /[^\n]{0,2000}(?:\n|\s)|[^\n]{1,2000}/g;

/** An element with attributes (`class`, `onclick`, …; false and null leave one out) and children (nodes or text). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Rendered by the server, where it was made safe; what it left as plain text may be long. */
export function rendered(element, html) {
  element.innerHTML = html;
  for (const pre of element.querySelectorAll("pre.plain")) {
    if (!pre.childElementCount) pre.replaceWith(plain([[pre.textContent, false]]));
  }
}

/** The text as it is, each invisible or direction character as its mark. */
export function raw(text) {
  const parts = [];
  let last = 0;
  for (const found of text.matchAll(INVISIBLE)) {
    parts.push([text.slice(last, found.index), false], [mark(found[0]), true]);
    last = found.index + found[0].length;
  }
  return plain([...parts, [text.slice(last), false]], (sign) => h("span", { class: "mark" }, sign), "plain raw");
}

/** A text with the words marked that the other one has not: `parts` of `diff.words`. */
export function marked(parts) {
  return plain(parts, (text) => (text.trim() ? h("mark", {}, text) : text));
}

/**
 * Plain text of parts `[text, isSpecial]`, the special ones as `made` says. A long text stands in blocks, of which the browser
 * lays out only those in sight: they begin at a new line, or between words where a line alone is longer than a block.
 */
function plain(parts, made = (text) => text, kind = "plain") {
  const blocks = [[]];
  let held = 0;
  for (const [text, isSpecial] of parts) {
    for (const [piece] of text.matchAll(PIECES)) {
      blocks.at(-1).push(isSpecial ? made(piece) : piece);
      held += piece.length;
      if (held < BLOCK || !(piece.endsWith("\n") || (held > 2 * BLOCK && /\s$/.test(piece)))) continue;
      blocks.push([]);
      held = 0;
    }
  }
  const pre = h("pre", { class: kind, dir: "auto" });
  pre.append(...(blocks.length > 1 ? blocks.map((block) => h("div", { class: "block" }, ...block)) : blocks[0]));
  return pre;
}

export function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

export function counts(text) {
  return `${plural([...text].length, "character")}, ${plural((text.match(/[\p{L}\p{N}]+/gu) ?? []).length, "word")}`;
}

function mark(character) {
  const code = `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  return `⟨${code}${NAMES[character] ? ` ${NAMES[character]}` : ""}⟩`;
}
