/** The row above a pair: which round it is, how far it is, and whether everything is saved. */
import { nameOf } from "./rest.js";
import { h } from "./text.js";

export class Top {
  /** `rounds()` shows the other rounds that there are. */
  constructor(desk, rounds) {
    this.desk = desk;
    this.round = desk.data.rounds.length
      ? h("button", { type: "button", class: "tool round", onclick: rounds })
      : h("span", { class: "round" });
    this.bar = h("i");
    this.progress = h("div", { class: "bar", role: "progressbar", "aria-label": "Progress of the round", "aria-valuemin": "0" }, this.bar);
    this.count = h("span", { class: "count" });
    this.save = h("span", { class: "save", role: "status", "aria-live": "polite" });
    const sandbox = desk.data.sandbox && h("span", { class: "sandbox", title: "Some completions of this project were written by the sandbox, not by a model." }, "Sandbox");
    this.root = h("div", { class: "top" }, this.round, this.progress, this.count, sandbox || null, this.save);
  }

  paint() {
    const { status, data } = this.desk;
    this.#paintSave();
    this.round.textContent = nameOf(status?.round ?? data.round);
    if (!status) return;
    const mine = Math.max(0, status.mine);
    const done = Math.min(status.total, Math.max(status.done, mine));
    this.count.replaceChildren(h("b", {}, done.toLocaleString("en")), ` of ${status.total.toLocaleString("en")}`, h("span", { class: "mine" }, ` · ${mine.toLocaleString("en")} mine`));
    this.bar.style.width = `${(100 * done) / Math.max(1, status.total)}%`;
    this.progress.setAttribute("aria-valuemax", String(status.total));
    this.progress.setAttribute("aria-valuenow", String(done));
  }

  #paintSave() {
    const { outbox, link } = this.desk;
    const kept = outbox.size;
    const place = outbox.isDurable ? "here" : "in this tab only";
    const [state, said] =
      link.state === "ended" ? ["offline", `Signed out · ${kept ? `${kept} kept ${place} · ` : ""}reload the page`]
      : link.state === "ok" ? (kept ? ["saving", `Saving ${kept}`] : ["saved", "✓ Saved"])
      : ["offline", `${link.state === "offline" ? "Offline" : "Not taken"} · ${kept} kept ${place}`];
    this.save.dataset.state = state;
    if (this.save.textContent !== said) this.save.textContent = said;
  }
}
