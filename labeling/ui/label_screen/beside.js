/**
 * What a project asks beside the verdict: strength, criteria, reasons, a comment, an edit. It stands above the bar, and is
 * not there at all where nothing is asked.
 */
import { shown } from "./keys.js";
import { h } from "./text.js";

const STRENGTHS = [["slightly", "Slightly"], ["clearly", "Clearly"], ["much", "Much"]];
const CHOICES = [["left", "Left"], ["tie", "Tie"], ["right", "Right"]];
const SIDES = new Set(["left", "right"]);

export class Beside {
  constructor(asked, keys, changed) {
    this.asked = asked;
    this.keys = keys;
    this.changed = changed;
    this.root = h("div", { class: "beside" });
    this.reset(null);
  }

  /** Empty for a new pair, or as the annotator left it on one that came back. */
  reset(mine) {
    this.strength = mine?.strength ?? null;
    this.criteria = { ...mine?.criteria };
    this.reasons = new Set(mine?.reasons ?? []);
    this.text = mine?.comment ?? "";
    this.#build();
  }

  /** What goes with a label of this verdict. */
  fields(verdict) {
    const fields = {};
    if (this.strength && SIDES.has(verdict)) fields.strength = this.strength;
    if (Object.keys(this.criteria).length) fields.criteria = { ...this.criteria };
    if (this.reasons.size) fields.reasons = [...this.reasons];
    if (this.text.trim()) fields.comment = this.text;
    return fields;
  }

  /** What is required and not there yet, as the end of a sentence; null where nothing is missing. */
  missing(verdict) {
    const must = new Set(this.asked.required);
    if (must.has("strength") && this.asked.strength && SIDES.has(verdict) && !this.strength) return this.#hint("how much better it is", ["slightly", "clearly", "much"]);
    const open = this.asked.criteria.filter((name) => !this.criteria[name]);
    if (must.has("criteria") && open.length) return this.#hint(`which is better in “${open[0]}”`, ["criteria"]);
    if (must.has("reasons") && this.asked.reasons.length && !this.reasons.size) return this.#hint("at least one reason", this.asked.reasons.map((_, place) => `reason ${place}`));
    if (must.has("comment") && !this.text.trim()) return this.#hint("a comment", ["comment"]);
    return null;
  }

  /** A key was pressed; returns whether it was for something here. */
  act(action) {
    if (action.startsWith("reason ")) return this.#toggle(this.asked.reasons[Number(action.split(" ")[1])]);
    const strength = STRENGTHS.findIndex(([name]) => name === action) + 1;
    if (strength && this.asked.strength) return this.#set(() => (this.strength = this.strength === strength ? null : strength));
    if (action === "comment" && this.comment) return this.comment.focus(), true;
    if (action === "criteria" && this.asked.criteria.length) {
      const name = this.asked.criteria.find((one) => !this.criteria[one]) ?? this.asked.criteria[0];
      this.root.querySelector(`[data-criterion="${CSS.escape(name)}"] button`).focus();
      return true;
    }
    return false;
  }

  /** The keys were changed: hints say which they are. */
  nameKeys() {
    for (const named of this.root.querySelectorAll("[data-action]")) {
      const key = this.keys.areOn && this.keys.of(named.dataset.action);
      named.querySelector("kbd")?.remove();
      if (key) named.append(h("kbd", {}, shown(key)));
    }
  }

  #hint(what, actions) {
    const known = this.keys.areOn ? actions.map((action) => this.keys.of(action)).filter(Boolean).map(shown) : [];
    return known.length ? `${what} (${known.join(" ")})` : what;
  }

  #toggle(reason) {
    if (reason === undefined) return false;
    return this.#set(() => (this.reasons.has(reason) ? this.reasons.delete(reason) : this.reasons.add(reason)));
  }

  #set(change) {
    change();
    this.#paint();
    this.changed();
    return true;
  }

  #build() {
    const { asked } = this;
    const groups = [];
    if (asked.strength) {
      const buttons = STRENGTHS.map(([action, name], place) => this.#pill(name, action, () => this.strength === place + 1, () => this.act(action)));
      groups.push(this.#group("How much better", "strength", buttons));
    }
    for (const name of asked.criteria) {
      const buttons = CHOICES.map(([value, title]) =>
        this.#pill(title, null, () => this.criteria[name] === value, () => this.#set(() => (this.criteria[name] === value ? delete this.criteria[name] : (this.criteria[name] = value)))),
      );
      const group = this.#group(name, "criteria", buttons);
      group.dataset.criterion = name;
      group.addEventListener("keydown", (event) => this.#choose(event, name));
      groups.push(group);
    }
    if (asked.reasons.length) {
      const buttons = asked.reasons.map((reason, place) => this.#pill(reason, `reason ${place}`, () => this.reasons.has(reason), () => this.#toggle(reason)));
      groups.push(this.#group("Why", "reasons", buttons));
    }
    this.comment = null;
    if (asked.reasons.length || asked.required.includes("comment")) {
      this.comment = h("input", { type: "text", class: "comment", placeholder: "Comment", "aria-label": "Comment", maxlength: "10000" });
      this.comment.value = this.text;
      this.comment.addEventListener("input", () => (this.text = this.comment.value));
      this.comment.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== "Escape") return;
        event.preventDefault();
        this.comment.blur();
        this.changed();
      });
      groups.push(h("div", { class: "group wide", "data-action": "comment" }, this.comment));
    }
    this.root.replaceChildren(...groups);
    this.root.hidden = !groups.length;
    this.nameKeys();
    this.#paint();
  }

  /** In a criterion the arrows choose: left, up or down for a tie, right; then the next criterion is at hand. */
  #choose(event, name) {
    const value = { ArrowLeft: "left", ArrowUp: "tie", ArrowDown: "tie", ArrowRight: "right" }[event.key];
    if (event.key === "Escape") event.target.blur();
    if (!value) return;
    event.preventDefault();
    event.stopPropagation();
    this.#set(() => (this.criteria[name] = value));
    const next = this.asked.criteria[this.asked.criteria.indexOf(name) + 1];
    if (next) this.root.querySelector(`[data-criterion="${CSS.escape(next)}"] button`).focus();
    else event.target.blur();
  }

  #group(title, field, buttons) {
    const isOptional = !this.asked.required.includes(field);
    const named = h("span", { class: "title" }, isOptional ? `${title}, if you like` : title);
    return h("div", { class: "group", role: field === "criteria" ? "radiogroup" : "group", "aria-label": title }, named, ...buttons);
  }

  #pill(title, action, isOn, act) {
    const button = h("button", { type: "button", class: "pill", "data-action": action, onclick: act }, title);
    button.isOn = isOn;
    return button;
  }

  #paint() {
    for (const button of this.root.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.isOn()));
  }
}
