/** The guidelines at hand, and what changed in them, which is read before the next label. */
import { guidelinesPanel } from "./panels.js";

export class Guidelines {
  constructor(desk, panels) {
    this.desk = desk;
    this.panels = panels;
    this.key = `tiebreak.guidelines.${desk.data.project}.${desk.data.annotator}`;
    this.seen = Math.max(desk.data.guidelines.seen ?? 0, Number(window.localStorage.getItem(this.key) ?? 0));
    this.isBusy = false; // a version is on its way, or its changes are being read
  }

  show() {
    const { number, html } = this.desk.data.guidelines;
    this.panels.show(`Guidelines, version ${number}`, guidelinesPanel({ html }));
  }

  /** The round is labelled by version `number`. What changed since this annotator's last labels is read before the next one. */
  async follow(number) {
    const { data } = this.desk;
    const isOther = number !== data.guidelines.number;
    // The version on the screen counts as seen: whoever labels by it has it at hand.
    if (isOther && !this.isBusy) this.seen = Math.max(this.seen, data.guidelines.number);
    const isNewer = this.seen > 0 && this.seen < number;
    if (this.isBusy || (!isNewer && !isOther)) return;
    this.isBusy = true;
    try {
      const told = await this.#bring(isNewer);
      if (told?.change) return this.#showChange(told);
      if (told) data.guidelines = { number: told.number, html: told.html };
      if (told && isNewer) this.seen = told.number;
    } catch {
      // Offline: the next answer of the server brings it up again.
    }
    this.isBusy = false;
  }

  /** Null where the server does not give them now. */
  async #bring(isNewer) {
    const { data, round } = this.desk;
    const since = isNewer ? `&since=${this.seen}` : "";
    const response = await fetch(`${data.guidelines_api}?round=${encodeURIComponent(round)}${since}`, { headers: { authorization: `Bearer ${data.token}` } });
    return response.ok ? response.json() : null;
  }

  #showChange(told) {
    const read = () => {
      this.desk.data.guidelines = { number: told.number, html: told.html };
      this.seen = told.number;
      try {
        window.localStorage.setItem(this.key, String(told.number));
      } catch {
        // Then it is shown once more after a reload.
      }
      this.panels.close();
    };
    const end = () => {
      this.isBusy = false;
      this.desk.shown();
    };
    this.panels.show("The guidelines changed", guidelinesPanel(told, read), { firm: true, end });
  }
}
