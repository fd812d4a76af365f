/** One of the two answers: its text, and the field in which its edit is written. Left and right are made alike. */
import { counts, h, marked, raw, rendered } from "./text.js";

export class Card {
  /** `on`: `choose(side)` and `edit(side)` were asked for, an edit is `written()`, and whether the mouse `isTextMarked()`. */
  constructor(side, hasEdits, on) {
    const name = side === "left" ? "Left" : "Right";
    this.side = side;
    this.original = "";
    this.written = null; // the edit, while there is one
    this.told = h("span", { class: "told" });
    this.text = h("div", { class: "completion text", tabindex: "0", role: "region", "aria-label": `${name} answer` });
    this.field = h("textarea", { class: "edit", "aria-label": `${name} answer, edited`, hidden: true });
    this.pen = hasEdits ? h("button", { type: "button", class: "tool pen", onclick: () => on.edit(side) }, "Edit") : null;
    this.root = h("article", { class: "card", "data-side": side }, h("header", {}, name, this.told, this.pen), this.text, this.field);
    this.field.addEventListener("input", () => (this.written = this.field.value));
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" && !(event.key === "Enter" && (event.ctrlKey || event.metaKey))) return;
      event.preventDefault();
      this.field.blur();
      on.written();
    });
    this.root.addEventListener("click", (event) => {
      // A text that is being marked, a link, a control or a scroll bar is not the card.
      if (event.target.closest("a, button, textarea, summary, input") || on.isTextMarked()) return;
      if (isFirstClick(event) && (event.target !== this.text || event.offsetX < this.text.clientWidth)) on.choose(side);
    });
  }

  get isWriting() {
    return !this.field.hidden;
  }

  get isEdited() {
    return this.written !== null && this.written.trim() !== "" && this.written !== this.original;
  }

  /** Another answer, of which nothing is edited yet. */
  hold(original) {
    this.original = original;
    this.text.scrollTop = 0;
    this.takeBack();
  }

  write() {
    this.written = this.field.value = this.written ?? this.original;
    this.#turn(true);
    this.field.focus();
  }

  /** The edit that was given with a label which came back. */
  restore(written) {
    this.written = this.field.value = written;
    this.#turn(true);
  }

  takeBack() {
    this.written = null;
    this.#turn(false);
  }

  /** The answer's `html` and `raw` text; `parts` of it where differences are shown. */
  paint(answer, mode, parts) {
    if (mode.raw) this.text.replaceChildren(raw(answer.raw));
    else if (parts) this.text.replaceChildren(marked(parts));
    else rendered(this.text, answer.html);
    this.told.textContent = mode.counts ? counts(answer.raw) : "";
  }

  #turn(isWriting) {
    this.field.hidden = !isWriting;
    this.text.hidden = isWriting;
    if (this.pen) this.pen.textContent = isWriting ? "Take the edit back" : "Edit";
  }
}

/** The second click of a double click was not meant for the pair that the first one brought. */
export function isFirstClick(event) {
  return event.detail < 2;
}
