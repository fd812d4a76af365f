/**
 * What one annotator has on the desk: the pairs at hand, what was done to them, and what goes to the server next.
 *
 * The first pair of `queue` is on the screen. An act moves on at once; whether the server has it is the outbox's matter.
 * Nothing here touches the page: `changed(kind)` tells the view what to paint.
 */
import { Link } from "./link.js";
import { Outbox } from "./outbox.js";
import { Stopwatch } from "./stopwatch.js";

const WANT = 20;
const FEW = 12; // fewer than that at hand, and the next request brings more: to serve is the dear half of a request
const MOST_UNDOS = 50;
const RENEW = 4 * 60_000; // reservations last 15 minutes
const LOOK_AGAIN = 30_000; // with nothing at hand: a pair may have come free
const GONE_AFTER = 8 * 60_000; // whoever gave no sign of life for so long neither keeps pairs from others nor is brought new ones

export class Desk {
  constructor(data, changed) {
    this.data = data;
    this.changed = changed;
    this.opened = data.open;
    this.notes = []; // sentences that no event stands behind
    this.#begin(data.round.name);
    this.outbox = new Outbox(data.project, data.annotator, window.localStorage);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    this.clock = new Stopwatch(signal);
    this.link = new Link(data.api, data.token, this.outbox, {
      desk: this,
      get round() { return this.desk.round; },
      ask: () => this.#ask(),
      wants: () => this.#wants(),
      take: (answer, entries, asked) => this.#take(answer, entries, asked),
      changed: () => changed("state"),
    });
    this.tabs = new BroadcastChannel(`tiebreak.decided.${data.project}.${data.annotator}`);
    this.tabs.onmessage = ({ data: told }) => this.#follow(told);
    window.addEventListener("storage", ({ key, newValue }) => this.outbox.follow(key, newValue) && changed("state"), { signal });
    this.link.send();
  }

  close() {
    this.link.leave();
    this.tabs.close();
    this.listeners.abort();
  }

  #begin(round) {
    this.round = round;
    this.queue = [];
    this.history = [];
    this.older = null; // what can be undone from before this tab, once the server has told it
    this.known = new Map(); // pair -> the newest event on it that this tab knows of
    this.acts = 0;
    this.actedOn = new Map(); // pair -> which act of this tab was the last on it
    this.judged = null; // practice: the pair that was just decided, until what is right about it was read
    this.feedback = null;
    this.status = null; // the newest answer without its pairs
    this.returning = null; // an undone pair that is on its way
    this.isUndoWanted = false;
    this.isDry = false; // pairs were asked for, and none came
    this.askedAt = -Infinity; // when pairs were last asked for or renewed
  }

  /** The pair on the screen; none while an undone one is on its way. */
  get pair() {
    return this.returning !== null ? null : (this.judged ?? this.queue[0] ?? null);
  }

  get canUndo() {
    if (this.judged) return false;
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
    const { pair } = this;
    if (!pair) return;
    pair.isFlagged = true;
    this.#keep({ event_id: crypto.randomUUID(), after: null, pair_id: pair.pair_id, action: "flag", milliseconds: 0, ...why });
    this.changed("state");
    this.link.send();
  }

  undo() {
    if (this.judged) return;
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
    const place = this.queue.findIndex((pair) => pair.pair_id === pairId);
    if (place >= 0) {
      this.queue.unshift(...this.queue.splice(place, 1));
      this.changed("pair");
      return;
    }
    this.opened = pairId;
    this.link.send();
  }

  /** Send again what was refused: the project may be open by now. */
  retry() {
    this.outbox.retry(this.outbox.refused.inOrder());
    this.changed("state");
    this.link.send();
  }

  discard() {
    this.notes = [];
    this.outbox.discard();
    this.changed("state");
  }

  /** Practice: the answer was read. */
  goOn() {
    this.feedback = this.judged = null;
    this.changed("pair");
  }

  #decide(what) {
    const { pair } = this;
    if (!pair || this.judged) return;
    const event = {
      event_id: crypto.randomUUID(),
      after: this.known.get(pair.pair_id) ?? pair.after,
      pair_id: pair.pair_id,
      ...what,
      ...this.clock.stop(),
    };
    this.queue.shift();
    this.isDry = false;
    const isPractice = event.action === "label" && this.#purpose === "practice"; // what is right is told now: the answer stands
    if (!isPractice) this.history.push({ pair, pair_id: pair.pair_id, event_id: event.event_id, given: given(event) });
    if (this.history.length > MOST_UNDOS) this.history.shift();
    this.#act(event);
    this.tabs.postMessage({ round: this.round, pair_id: pair.pair_id, event_id: event.event_id });
    if (isPractice) this.judged = pair;
    this.changed(this.judged ? "judged" : "pair");
    this.link.send();
  }

  get #purpose() {
    return (this.status?.round ?? this.data.round).purpose;
  }

  #act(event) {
    this.acts += 1;
    this.actedOn.set(event.pair_id, this.acts);
    this.known.set(event.pair_id, event.event_id);
    this.#keep(event);
  }

  #keep(event) {
    this.outbox.add(event, this.round, this.data.guidelines.number);
  }

  get #isHere() {
    return !document.hidden && this.clock.idle < GONE_AFTER;
  }

  /** Whether to ask although nothing is to be sent: pairs would run out of their reservation, or there are none. */
  #wants() {
    if (!this.#isHere || this.status?.state === "closed") return false;
    // A clock that was set back must not stop it.
    return Math.abs(Date.now() - this.askedAt) > (this.queue.length ? RENEW : LOOK_AGAIN);
  }

  #ask() {
    const asked = {};
    const needsMore = this.queue.length < FEW;
    const isRenewing = Math.abs(Date.now() - this.askedAt) > RENEW && this.#isHere;
    if (needsMore || isRenewing || this.returning !== null || this.opened !== null) {
      asked.have = this.queue.map((pair) => pair.pair_id);
      asked.want = needsMore || this.returning !== null ? WANT : 0;
      this.askedAt = Date.now();
    }
    if (this.opened !== null) asked.open = this.opened;
    if (this.older === null && (this.isUndoWanted || this.status === null)) asked.recent = MOST_UNDOS;
    this.actsAtAsking = this.acts;
    return asked;
  }

  #take(answer, entries, asked) {
    const { pairs, acked, refused, feedback, recent, ...status } = answer;
    const before = this.pair;
    this.status = status;
    for (const one of refused) if (!one.retry) this.#refused(one, entries);
    if (recent) {
      this.older = recent.filter((one) => !this.history.some((mine) => mine.pair_id === one.pair_id) && !this.actedOn.has(one.pair_id));
      if (this.isUndoWanted) queueMicrotask(() => this.undo());
      this.isUndoWanted = false;
    }
    const fresh = this.#takeIn(pairs, asked);
    // Not before the answer to the undo itself: one to an earlier request knows nothing of it.
    if (!this.outbox.size || fresh.some((pair) => pair.pair_id === this.returning)) this.returning = null;
    if (status.state === "closed") this.queue = [];
    if (asked.want) this.isDry = !this.queue.length;
    if (this.judged && feedback?.length) this.feedback = feedback[feedback.length - 1];
    else if (this.judged && !this.feedback && !this.outbox.size) this.judged = null;
    this.changed(this.feedback ? "feedback" : this.pair !== before ? "pair" : "state");
  }

  /** Put the pairs of an answer where they belong; returns those that were not at hand. */
  #takeIn(pairs, { open }) {
    const isOpening = open !== undefined && open === this.opened;
    if (isOpening) this.opened = null;
    const fresh = pairs.filter((pair) => (this.actedOn.get(pair.pair_id) ?? 0) <= this.actsAtAsking && !this.queue.some((held) => held.pair_id === pair.pair_id));
    for (const pair of fresh) {
      if (pair.after) this.known.set(pair.pair_id, pair.after);
      this.#restore(pair);
    }
    const isFirst = (pair) => pair.pair_id === this.returning || (isOpening && pair.pair_id === open);
    this.queue = [...fresh.filter(isFirst), ...this.queue, ...fresh.filter((pair) => !isFirst(pair))];
    if (isOpening && !pairs.some((pair) => pair.pair_id === open)) this.notes.push(`Pair ${open} is not among those that you were given.`);
    return fresh;
  }

  /** A label that was refused comes back as it was given; one that was overtaken elsewhere gives way to what is stored. */
  #restore(pair) {
    const old = this.outbox.refused.inOrder().filter(({ round, event }) => round === this.round && event.pair_id === pair.pair_id && event.action === "label").pop();
    if (!old || old.code === "changed_elsewhere") return;
    pair.mine = given(old.event);
    pair.isUnsaved = true;
  }

  /** What was refused is told; the pair goes back to how the server has it. */
  #refused(one, entries) {
    const event = entries.find((entry) => entry.event.event_id === one.event_id)?.event;
    this.history = this.history.filter((done) => done.event_id !== one.event_id);
    if (!event) return;
    const pairId = event.pair_id;
    if (event.action === "undo" || one.code === "changed_elsewhere") this.queue = this.queue.filter((pair) => pair.pair_id !== pairId);
    if (event.action === "undo") this.returning = null;
    if (this.known.get(pairId) === one.event_id) {
      if (event.after) this.known.set(pairId, event.after);
      else this.known.delete(pairId);
    }
  }

  /** Another tab of this annotator decided a pair: it is not asked for twice. */
  #follow({ round, pair_id, event_id }) {
    if (round !== this.round) return;
    const before = this.pair;
    this.queue = this.queue.filter((pair) => pair.pair_id !== pair_id);
    this.known.set(pair_id, event_id);
    this.acts += 1;
    this.actedOn.set(pair_id, this.acts);
    this.changed(this.pair !== before ? "pair" : "state");
    if (this.queue.length < FEW) this.link.send();
  }
}

/** What a label said, as the server tells it of one that is stored; null for other acts. */
function given({ event_id, after, pair_id, milliseconds, away_milliseconds, action, ...said }) {
  return action === "label" ? said : null;
}
