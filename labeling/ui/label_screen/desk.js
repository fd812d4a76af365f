/**
 * What one annotator has on the desk: the pairs at hand, what was done to them, and what goes to the server next.
 *
 * The first pair of `queue` is on the screen. An act moves on at once; whether the server has it is the outbox's matter.
 * Nothing here touches the page: `changed(kind)` tells the view what to paint.
 */
import { Link } from "./link.js";
import { Outbox } from "./outbox.js";

const WANT = 20;
const FEW = 12; // fewer than that at hand, and the next request brings more: to serve is the dear half of a request
const MOST_UNDOS = 50;
const RENEW = 4 * 60_000; // reservations last 15 minutes
const AWAY_AFTER = 60_000; // without a sign of life the annotator is away

export class Desk {
  constructor(data, changed) {
    this.data = data;
    this.changed = changed;
    this.round = data.round.name;
    this.queue = [];
    this.history = [];
    this.older = null; // what can be undone from before this tab, once the server has told it
    this.known = new Map(); // pair -> the newest event on it that this tab knows of
    this.acts = 0;
    this.actedOn = new Map(); // pair -> which act of this tab was the last on it
    this.refusals = [];
    this.feedback = null;
    this.status = null; // the newest answer without its pairs
    this.opened = data.open;
    this.returning = null; // an undone pair that is on its way
    this.isAwaiting = false; // a practice label is with the server, which will say what is right
    this.renewedAt = Date.now();
    const prefix = `tiebreak.outbox.${data.project}.${data.annotator}.${data.session}`;
    this.outbox = new Outbox(prefix, window.localStorage);
    this.link = new Link({
      api: data.api,
      token: data.token,
      outbox: this.outbox,
      ask: () => this.#ask(),
      take: (answer, sent) => this.#take(answer, sent),
      changed: () => this.changed("state"),
    });
    this.tabs = new BroadcastChannel(prefix);
    this.tabs.onmessage = ({ data: told }) => this.#follow(told);
    this.listeners = new AbortController();
    window.addEventListener("storage", (event) => this.outbox.follow(event.key, event.newValue) && changed("state"), {
      signal: this.listeners.signal,
    });
    this.clock = new Stopwatch(this.listeners.signal);
    this.link.send();
  }

  close() {
    this.link.close();
    this.tabs.close();
    this.listeners.abort();
  }

  /** The pair on the screen; none while an undone one is on its way, or a practice label is being looked at. */
  get pair() {
    return this.returning !== null || this.isAwaiting ? null : (this.queue[0] ?? null);
  }

  get canUndo() {
    return this.history.length > 0 || (this.older === null ? (this.status?.mine ?? 0) + (this.status?.skipped ?? 0) > 0 : this.older.length > 0);
  }

  /** The pair on the screen was painted: its time begins. */
  shown() {
    this.clock.start();
  }

  label(verdict, beside) {
    this.#decide({ action: "label", verdict, ...beside });
  }

  skip(why) {
    this.#decide({ action: "skip", ...why });
  }

  flag(why) {
    const pair = this.pair;
    if (!pair) return;
    pair.isFlagged = true;
    this.outbox.add({ event_id: crypto.randomUUID(), after: null, pair_id: pair.pair_id, action: "flag", milliseconds: 0, ...why });
    this.changed("state");
    this.link.send();
  }

  undo() {
    const done = this.history.pop() ?? this.older?.shift();
    if (!done) {
      if (this.older === null) {
        this.isUndoWanted = true;
        this.link.send();
      }
      return;
    }
    const event = { event_id: crypto.randomUUID(), after: this.known.get(done.pair_id) ?? done.event_id, pair_id: done.pair_id, action: "undo", milliseconds: 0 };
    this.#act(event);
    if (done.pair) this.queue.unshift({ ...done.pair, after: event.event_id, mine: done.given });
    else this.returning = done.pair_id;
    this.changed("pair");
    this.link.send();
  }

  /** Bring a pair again that was decided before. */
  open(pairId) {
    this.opened = pairId;
    this.link.send();
  }

  dismiss() {
    this.refusals = [];
    this.changed("state");
  }

  /** Practice: the answer was read. */
  goOn() {
    this.feedback = null;
    this.changed("pair");
  }

  /** Leave the practice for the work round. */
  enter(round) {
    this.round = round;
    this.queue = [];
    this.history = [];
    this.older = [];
    this.status = null;
    this.changed("pair");
    this.link.send();
  }

  #decide(what) {
    const pair = this.pair;
    if (!pair) return;
    const event = {
      event_id: crypto.randomUUID(),
      after: this.known.get(pair.pair_id) ?? pair.after,
      pair_id: pair.pair_id,
      ...what,
      ...this.clock.stop(),
    };
    this.queue.shift();
    const { event_id, after, pair_id, milliseconds, away_milliseconds, action, ...given } = event;
    this.history.push({ pair, pair_id, event_id, given: action === "label" ? given : null });
    if (this.history.length > MOST_UNDOS) this.history.shift();
    this.#act(event);
    this.tabs.postMessage({ pair_id, event_id });
    this.isAwaiting = this.status?.round.purpose === "practice";
    this.changed("pair");
    this.link.send();
  }

  #act(event) {
    this.acts += 1;
    this.actedOn.set(event.pair_id, this.acts);
    this.known.set(event.pair_id, event.event_id);
    this.outbox.add(event);
  }

  #ask() {
    const asked = { guidelines: this.data.guidelines.number };
    if (this.round !== "work") asked.round = this.round;
    const isRenewing = Date.now() - this.renewedAt > RENEW;
    const needsMore = this.queue.length < FEW && this.status?.state !== "closed";
    if (needsMore || isRenewing || this.returning !== null || this.opened !== null) {
      asked.have = this.queue.map((pair) => pair.pair_id);
      asked.want = needsMore || this.returning !== null ? WANT : 0;
      this.renewedAt = Date.now();
    }
    if (this.opened !== null) asked.open = this.opened;
    if (this.older === null && (this.isUndoWanted || this.status === null)) asked.recent = MOST_UNDOS;
    this.actsAtAsking = this.acts;
    return asked;
  }

  #take(answer, { asked, events }) {
    const { pairs, acked, refused, feedback, recent, ...status } = answer;
    const wasEmpty = this.pair === null;
    this.status = status;
    for (const one of refused) if (!one.retry) this.#refuse(one, events);
    if (recent) {
      this.older = recent.filter((one) => !this.history.some((mine) => mine.pair_id === one.pair_id) && !this.actedOn.has(one.pair_id));
      if (this.isUndoWanted) queueMicrotask(() => this.undo());
      this.isUndoWanted = false;
    }
    const isOpening = asked.open !== undefined && asked.open === this.opened;
    if (isOpening) this.opened = null;
    const fresh = pairs.filter((pair) => (this.actedOn.get(pair.pair_id) ?? 0) <= this.actsAtAsking && !this.queue.some((held) => held.pair_id === pair.pair_id));
    for (const pair of fresh) if (pair.after) this.known.set(pair.pair_id, pair.after);
    const isFirst = (pair) => pair.pair_id === this.returning || (isOpening && pair.pair_id === asked.open);
    this.queue = [...fresh.filter(isFirst), ...this.queue, ...fresh.filter((pair) => !isFirst(pair))];
    if (isOpening && !pairs.some((pair) => pair.pair_id === asked.open)) {
      this.refusals.push({ pair_id: null, reason: `Pair ${asked.open} is not among those that you were given.` });
    }
    const wasReturning = this.returning !== null;
    // Not before the answer to the undo itself: one to an earlier request knows nothing of it.
    if (!this.outbox.size || fresh.some((pair) => pair.pair_id === this.returning)) this.returning = null;
    if (!this.outbox.size) this.isAwaiting = false;
    if (feedback?.length) this.feedback = feedback[feedback.length - 1];
    this.changed(wasEmpty || wasReturning || isOpening || this.feedback || fresh.some(isFirst) ? "pair" : "state");
  }

  /** What was refused is told; the pair goes back to how the server has it. */
  #refuse(one, events) {
    const event = events.find((sent) => sent.event_id === one.event_id);
    const pairId = event?.pair_id ?? null;
    this.refusals.push({ pair_id: pairId, reason: one.reason, code: one.code });
    this.history = this.history.filter((done) => done.event_id !== one.event_id);
    if (pairId === null) return;
    if (event.action === "undo" || one.code === "changed_elsewhere") this.queue = this.queue.filter((pair) => pair.pair_id !== pairId);
    if (event.action === "undo") this.returning = null;
    if (this.known.get(pairId) === one.event_id) {
      if (event.after) this.known.set(pairId, event.after);
      else this.known.delete(pairId);
    }
  }

  /** Another tab of this annotator decided a pair: it is not asked for twice. */
  #follow({ pair_id, event_id }) {
    const wasShown = this.queue[0]?.pair_id === pair_id;
    this.queue = this.queue.filter((pair) => pair.pair_id !== pair_id);
    this.known.set(pair_id, event_id);
    this.acts += 1;
    this.actedOn.set(pair_id, this.acts);
    this.changed(wasShown ? "pair" : "state");
    if (this.queue.length < FEW) this.link.send();
  }
}

/** How long a pair was looked at, and how much of that its annotator was away: another tab, or a minute without a move. */
class Stopwatch {
  constructor(signal) {
    this.start();
    for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchstart"]) {
      document.addEventListener(name, () => this.#alive(), { signal, passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => (document.hidden ? (this.hiddenAt = performance.now()) : this.#back()), { signal });
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
    this.aliveAt = now;
  }

  #back() {
    if (this.hiddenAt === null) return;
    const now = performance.now();
    this.away += now - this.hiddenAt;
    this.aliveAt = now;
    this.hiddenAt = null;
  }
}
