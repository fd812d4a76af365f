/** What lies over the screen for a moment: keys, guidelines, rounds, why a pair is flagged or skipped, what practice says. */
import { ACTIONS, shown, title } from "./keys.js";
import { nameOf } from "./rest.js";
import { h, plural, rendered } from "./text.js";

export class Panels {
  constructor(root, closed) {
    this.root = root;
    this.closed = closed;
    this.open = null;
  }

  get isOpen() {
    return this.open !== null;
  }

  /** Show `body` under a name; `end` is called when it is closed. A panel that is `firm` is not closed by Escape. */
  show(name, body, { end = () => {}, firm = false } = {}) {
    this.close();
    const close = firm ? null : h("button", { type: "button", class: "tool close", onclick: () => this.close() }, "Close", h("kbd", {}, "Esc"));
    const panel = h("section", { class: "panel", role: "dialog", "aria-modal": "true", "aria-label": name, tabindex: "-1" }, h("header", {}, h("h2", {}, name), close), ...body);
    const cover = h("div", { class: "cover" }, panel);
    cover.addEventListener("click", (event) => event.target === cover && !firm && this.close());
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !firm) {
        event.preventDefault();
        event.stopPropagation();
        this.close();
      } else if (event.key === "Tab") keepInside(event, panel);
    });
    this.open = { cover, end };
    this.root.append(cover);
    (panel.querySelector("[data-first]") ?? panel).focus();
  }

  close() {
    if (!this.open) return;
    const { cover, end } = this.open;
    this.open = null;
    cover.remove();
    end();
    this.closed();
  }
}

export function keysPanel(keys, changed) {
  const told = h("p", { class: "told", role: "status" });
  const list = h("ul", { class: "keys" });
  const fill = () => {
    const actions = ACTIONS.filter(([action]) => action in keys.defaults).concat(Object.keys(keys.defaults).filter((action) => action.startsWith("reason ")).map((action) => [action, title(action)]));
    list.replaceChildren(
      ...actions.map(([action, name]) => {
        const button = h("button", { type: "button", class: "key", "aria-label": `Change the key of ${name}, now ${shown(keys.of(action))}` }, shown(keys.of(action)));
        button.addEventListener("click", () => listen(button, action, name));
        return h("li", {}, name, button);
      }),
    );
  };
  const listen = (button, action, name) => {
    button.textContent = "Press a key";
    told.textContent = `Press the new key for “${name}”. Escape leaves it as it is.`;
    button.addEventListener(
      "keydown",
      (event) => {
        event.preventDefault();
        event.stopPropagation();
        const fault = event.key === "Escape" ? null : keys.change(action, event.key);
        told.textContent = fault ?? "";
        fill();
        changed();
      },
      { once: true },
    );
  };
  fill();
  const toggle = h("input", { type: "checkbox", id: "keys-on" });
  toggle.checked = keys.areOn;
  toggle.addEventListener("change", () => (keys.turn(toggle.checked), changed()));
  const reset = h("button", { type: "button", class: "tool", onclick: () => (keys.reset(), fill(), changed()) }, "All keys as they were");
  return [
    h("p", {}, "One key decides a pair. The arrows ← and → always mean the left and the right answer, and ⌫ always undoes. Click a key to change it; it is remembered in this browser."),
    h("p", {}, h("label", { for: "keys-on" }, toggle, " Single keys are on")),
    told,
    list,
    reset,
  ];
}

/** The other rounds that this annotator may go on with. */
export function roundsPanel(rounds, goTo) {
  const buttons = rounds.map((one) =>
    h("button", { type: "button", class: "choice", onclick: () => goTo(one.name) }, nameOf(one), h("span", {}, one.waiting ? `${plural(one.waiting, "pair")} for you` : "nothing waits")));
  return [h("p", {}, "What you have done in this round stays."), ...buttons];
}

/** Guidelines, or what changed in them. */
export function guidelinesPanel({ html, change }, read) {
  const text = h("div", { class: "completion" });
  rendered(text, change ?? html ?? "");
  if (!(change ?? html)?.trim()) text.textContent = "This project has no guidelines yet: choose the answer that you would rather have been given.";
  if (!read) return [text];
  return [h("p", {}, "They changed since your last labels. What is new is underlined, what was taken out is struck through."), text, h("button", { type: "button", class: "primary", "data-first": true, onclick: read }, "Go on labelling")];
}

/** Reasons to choose from with digits, and words of one's own. */
export function whyPanel(verb, reasons, done) {
  const chosen = new Set();
  const comment = h("textarea", { rows: "3", maxlength: "10000", "aria-label": "In your words", placeholder: "In your words, if you like", "data-first": reasons.length ? false : true });
  const send = () => done({ ...(chosen.size ? { reasons: [...chosen] } : {}), ...(comment.value.trim() ? { comment: comment.value } : {}) });
  const pills = reasons.map((reason, place) => {
    const pill = h("button", { type: "button", class: "pill", "aria-pressed": "false", "data-first": place === 0 }, reason, h("kbd", {}, String(place + 1)));
    pill.addEventListener("click", () => {
      if (chosen.has(reason)) chosen.delete(reason);
      else chosen.add(reason);
      pill.setAttribute("aria-pressed", String(chosen.has(reason)));
    });
    return pill;
  });
  const form = h("form", { class: "why" }, h("div", { class: "group" }, ...pills), comment, h("button", { class: "primary" }, verb, h("kbd", {}, "Enter")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  form.addEventListener("keydown", (event) => {
    const isWriting = event.target === comment;
    if (!isWriting && /^[1-9]$/.test(event.key)) pills[Number(event.key) - 1]?.click();
    else if (event.key === "Enter" && (!isWriting || event.ctrlKey || event.metaKey || !event.shiftKey)) {
      event.preventDefault();
      send();
    }
  });
  return [form];
}

/** After a practice label: what the project holds right, and why. */
export function feedbackPanel(feedback, names, goOn) {
  const reason = h("div", { class: "completion" });
  if (feedback.reason) rendered(reason, feedback.reason);
  return [
    h("p", { class: feedback.correct ? "right" : "wrong" }, feedback.correct ? "Right." : `The project says: ${names[feedback.verdict]}.`),
    reason,
    h("button", { type: "button", class: "primary", "data-first": true, onclick: goOn }, "Next pair", h("kbd", {}, "Enter")),
  ];
}

function keepInside(event, panel) {
  const stops = [...panel.querySelectorAll("button, input, textarea, a[href]")].filter((one) => !one.disabled);
  if (!stops.length) return;
  const at = stops.indexOf(panel.getRootNode().activeElement);
  const next = event.shiftKey ? at - 1 : at + 1;
  if (next >= 0 && next < stops.length) return;
  event.preventDefault();
  stops[event.shiftKey ? stops.length - 1 : 0].focus();
}
