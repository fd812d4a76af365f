/** A line above the pair: what was refused and why, what can be done with it, and why a whole request was not taken. */
import { h, plural } from "./text.js";

export class Notice {
  constructor(desk) {
    this.desk = desk;
    this.state = null;
    this.before = new Set(desk.outbox.refused.inOrder().map(({ event }) => event.event_id)); // refused before this screen was opened
    this.root = h("div", { class: "notice", role: "alert", hidden: true });
  }

  paint() {
    const { outbox, link, notes } = this.desk;
    const refused = outbox.refused.inOrder();
    const fault = link.state === "refused" && link.fault;
    const state = JSON.stringify([refused.map((entry) => entry.event.event_id), notes, fault]);
    if (state === this.state) return; // a button that is about to be pressed stays
    this.state = state;
    const told = [...Map.groupBy(refused, (entry) => entry.reason)].slice(-3).map(([reason, entries]) =>
      h("p", {}, reason, this.#reopener(entries)));
    told.push(...[...notes.slice(-1), fault].filter(Boolean).map((sentence) => h("p", {}, sentence)));
    this.root.hidden = !told.length;
    this.root.replaceChildren(h("div", {}, ...told), h("div", { class: "acts" }, ...this.#acts(refused)));
  }

  #acts(refused) {
    const button = (name, act) => h("button", { type: "button", class: "tool", onclick: act }, name);
    if (!refused.length) return [button("Close", () => this.desk.discard())];
    const isAskedOtherwise = refused.some(({ code, event }) => ["missing", "not_asked"].includes(code) && !this.before.has(event.event_id));
    return [
      isAskedOtherwise ? button("Reload the page", () => window.location.reload()) : null,
      refused.some((entry) => entry.code === "closed") ? button("Send again", () => this.desk.retry()) : null,
      h("a", { class: "tool", href: "#", download: "refused-labels.json", onclick: ({ currentTarget }) => (currentTarget.href = fileOf(this.desk.outbox.refused.inOrder())) }, "Download them"),
      button("Discard", () => this.desk.discard()),
    ].filter(Boolean);
  }

  /** A way to the pair of a refused label, where it is of this round; else how many there are, or where it was given. */
  #reopener(entries) {
    const [{ round, event }] = entries;
    if (entries.length > 1) return ` (${plural(entries.length, "label")})`;
    if (round !== this.desk.round) return ` (Pair ${event.pair_id} in the round “${round}”)`;
    return h("button", { type: "button", class: "tool", onclick: () => this.desk.open(event.pair_id) }, "Open the pair");
  }
}

function fileOf(entries) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(entries, null, 1)], { type: "application/json" }));
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return url;
}
