/** How long a pair was looked at, and how much of that its annotator was away: another tab, or a minute without a move. */
const AWAY_AFTER = 60_000; // without a sign of life the annotator is away: that time does not count as reading

export class Stopwatch {
  constructor(signal) {
    this.seenAt = performance.now();
    this.start();
    for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchstart"]) {
      document.addEventListener(name, () => this.#alive(), { signal, passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => (document.hidden ? (this.hiddenAt = performance.now()) : this.#back()), { signal });
  }

  /** Milliseconds since the last sign of life. */
  get idle() {
    return performance.now() - this.seenAt;
  }

  start() {
    this.startedAt = this.aliveAt = performance.now();
    this.hiddenAt = document.hidden ? this.startedAt : null;
    this.away = 0;
  }

  stop() {
    this.#back();
    this.#alive();
    return { milliseconds: Math.round(performance.now() - this.startedAt), away_milliseconds: Math.round(this.away) };
  }

  #alive() {
    const now = performance.now();
    if (now - this.aliveAt > AWAY_AFTER) this.away += now - this.aliveAt - AWAY_AFTER;
    this.aliveAt = this.seenAt = now;
  }

  #back() {
    if (this.hiddenAt === null) return;
    const now = performance.now();
    this.away += now - this.hiddenAt;
    this.aliveAt = this.seenAt = now;
    this.hiddenAt = null;
  }
}
