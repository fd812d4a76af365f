/**
 * Which key does what. Every key can be changed by the annotator; the choice is kept in this browser.
 *
 * A key is the `key` of a keyboard event, letters in lower case. Streamlit keeps c and r for itself.
 */
export const ACTIONS = [
  ["left", "Left is better"],
  ["tie", "Tie"],
  ["both_bad", "Both bad"],
  ["right", "Right is better"],
  ["skip", "Skip"],
  ["flag", "Flag for the lead"],
  ["undo", "Undo"],
  ["whole", "Whole prompt"],
  ["raw", "Raw text"],
  ["diff", "Differences"],
  ["uncover", "Open a sensitive pair"],
  ["together", "Scroll together"],
  ["counts", "Character and word counts"],
  ["guidelines", "Guidelines"],
  ["slightly", "Slightly better"],
  ["clearly", "Clearly better"],
  ["much", "Much better"],
  ["criteria", "Next criterion"],
  ["comment", "Comment"],
  ["edit_left", "Edit the left answer"],
  ["edit_right", "Edit the right answer"],
  ["keys", "Keys"],
];
const DEFAULTS = {
  skip: "s", flag: "f", undo: "u", whole: "0", raw: "v", diff: "d", together: "l", counts: "n", guidelines: "g",
  uncover: "h", slightly: "7", clearly: "8", much: "9", criteria: "k", comment: "m", edit_left: "i", edit_right: "o", keys: "?",
};
const REASONS = ["q", "w", "e", "t", "y", "a", "z", "x", "b", "j", "p"];
// Always there beside the chosen key, and physical: left is left in right-to-left text too.
const ALSO = { ArrowLeft: "left", ArrowRight: "right", Backspace: "undo" };
const RESERVED = new Set(["c", "r", "Tab", "Enter", "Escape", " ", "Shift", "Control", "Alt", "Meta", "Dead", "Process", "Unidentified"]);

export class Keys {
  /** `verdicts` are the offered ones in the order of the screen: their digits count along it. */
  constructor(verdicts, reasons, storageKey, storage) {
    this.storageKey = storageKey;
    this.storage = storage;
    this.defaults = { ...Object.fromEntries(verdicts.map((verdict, place) => [verdict, String(place + 1)])), ...DEFAULTS };
    reasons.slice(0, REASONS.length).forEach((_, place) => (this.defaults[`reason ${place}`] = REASONS[place]));
    const kept = this.#kept();
    this.chosen = kept.chosen ?? {};
    this.areOn = kept.areOn ?? true;
  }

  /** The chosen key, else the default, unless that was chosen for something else (in a project that asks for less). */
  of(action) {
    const usual = this.defaults[action];
    return this.chosen[action] ?? (Object.values(this.chosen).includes(usual) ? undefined : usual);
  }

  action(key) {
    const name = key.length === 1 ? key.toLowerCase() : key;
    return Object.keys(this.defaults).find((action) => this.of(action) === name) ?? ALSO[name] ?? null;
  }

  /** What a press means: by its sign, else, where a keyboard has other signs there (Cyrillic letters, the digits of AZERTY), by its place. */
  actionOf({ key, code, shiftKey }) {
    const sign = /^(?:Digit|Key)(.)$/.exec(code)?.[1];
    return this.action(key) ?? (sign && !shiftKey ? this.action(sign) : null);
  }

  /** Give an action another key; returns why not, as a sentence, or null. */
  change(action, key) {
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (RESERVED.has(name)) return `${shown(name)} is needed for other things. Choose another key.`;
    const other = this.action(name);
    if (other !== null && other !== action) return `${shown(name)} is taken by “${title(other)}”. Change that one first.`;
    this.chosen[action] = name;
    this.#keep();
    return null;
  }

  reset() {
    this.chosen = {};
    this.#keep();
  }

  turn(areOn) {
    this.areOn = areOn;
    this.#keep();
  }

  #kept() {
    try {
      return JSON.parse(this.storage.getItem(this.storageKey)) ?? {};
    } catch {
      return {};
    }
  }

  #keep() {
    try {
      this.storage.setItem(this.storageKey, JSON.stringify({ chosen: this.chosen, areOn: this.areOn }));
    } catch {
      // Without storage the choice lasts as long as the tab.
    }
  }
}

/** Whether a key press is meant as text, for a control, or for the browser. */
export function isForOthers(event) {
  if (event.defaultPrevented || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.composedPath()[0];
  if (!(target instanceof Element)) return false;
  if (target.isContentEditable || target.closest("input, textarea, select, [role=textbox], [role=combobox], [role=slider]")) return true;
  // The arrows belong to whatever moves with them.
  return event.key.startsWith("Arrow") && target.closest("[role=radiogroup], [role=tablist], [role=menu], [role=listbox]") !== null;
}

export function title(action) {
  const known = ACTIONS.find(([name]) => name === action);
  return known ? known[1] : `Reason ${Number(action.split(" ")[1]) + 1}`;
}

export function shown(key) {
  if (key === undefined) return "none";
  return { ArrowLeft: "←", ArrowRight: "→", Backspace: "⌫", " ": "Space" }[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}
