/**
 * The line to the server: sends what the outbox holds until it is acknowledged, and brings the next pairs.
 *
 * One request is under way at a time, and one is for one round. After a fault it waits 1, 2, 4 … 15 seconds; coming back
 * (online, visible, awake) tries at once. A clock compares moments, so that a laptop that slept does not wait for timers
 * that did not run.
 */
const MOST_EVENTS = 200;
const MOST_BYTES = 1_000_000;
const MOST_LAST_BYTES = 60_000; // what a browser still sends for a page that is being closed
const TIMEOUT = 30_000;
const LONGEST_WAIT = 15_000;
const TICK = 1_000;
const COMES_BACK = [[window, "online"], [window, "pageshow"], [window, "focus"], [document, "visibilitychange"], [document, "resume"]];
const MAY_PASS = new Set([401, 408, 409, 425, 429]); // refusals of a whole request that a later one need not meet

const left = new Map(); // api -> the link of a screen that was left before everything was sent

export class Link {
  /**
   * `desk` says which `round` it is in, `ask()`s for what a request brings beside its events (`wants()`: is there a reason to
   * ask without events), gets every answer by `take(answer, entries, asked)` and hears by `changed()` of every change of
   * state. States: "ok", "offline", "refused" (as a whole, `fault` says why) and "ended" (the token is not good any more).
   */
  constructor(api, token, outbox, desk) {
    Object.assign(this, { api, token, outbox, desk });
    left.get(api)?.close();
    this.state = "ok";
    this.fault = null;
    this.isBusy = false;
    this.isAskedAgain = false;
    this.tries = 0;
    this.retryAt = null;
    this.timer = setInterval(() => this.#tick(), TICK);
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    for (const [target, name] of COMES_BACK) target.addEventListener(name, () => this.#isWanted() && this.send(), { signal });
    window.addEventListener("pagehide", () => this.#sendLast(), { signal });
  }

  /** The screen is gone. What it has not sent yet goes on being sent. */
  leave() {
    this.desk = null;
    left.set(this.api, this);
    this.#closeWhenDone();
  }

  close() {
    clearInterval(this.timer);
    this.listeners.abort();
    this.isClosed = true;
    if (left.get(this.api) === this) left.delete(this.api);
  }

  /** Send now, or right behind the request that is under way. */
  async send() {
    if (this.state === "ended" || this.isClosed) return;
    if (this.isBusy) {
      this.isAskedAgain = true;
      return;
    }
    this.isBusy = true;
    this.isAskedAgain = false;
    const entries = this.outbox.next(MOST_EVENTS, MOST_BYTES);
    const round = entries[0]?.round ?? this.desk?.round;
    const isOfDesk = this.desk?.round === round;
    const asked = isOfDesk ? this.desk.ask() : {};
    try {
      const answer = await this.#post(body(entries, round, asked));
      this.#succeeded(answer, entries);
      if (isOfDesk) this.desk?.take(answer, entries, asked);
      if (answer.refused.some((one) => one.retry)) this.#later();
      else if (this.outbox.size || !isOfDesk) this.isAskedAgain = true;
    } catch (error) {
      this.#failed(error, isOfDesk ? [] : entries);
    } finally {
      this.isBusy = false;
      this.desk?.changed();
    }
    this.#closeWhenDone();
    if (this.isAskedAgain) this.send();
  }

  async #post(asked) {
    const response = await fetch(this.api, { ...this.#request(asked), signal: AbortSignal.timeout(TIMEOUT) });
    if (response.ok) return response.json();
    const said = await response.json().catch(() => ({}));
    throw new Refused(response.status, said.error ?? `The server answered ${response.status}.`);
  }

  #request(asked) {
    return { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${this.token}` }, body: JSON.stringify(asked) };
  }

  #succeeded(answer, entries) {
    const refused = new Map(answer.refused.map((one) => [one.event_id, one]));
    for (const id of answer.acked) this.outbox.acknowledge(id);
    for (const one of refused.values()) if (!one.retry) this.outbox.refuse(one.event_id, one.code, one.reason);
    if (entries.some(({ event }) => !answer.acked.includes(event.event_id) && !refused.has(event.event_id))) throw new Refused(0, "The answer names not all events.");
    this.tries = 0;
    this.retryAt = null;
    this.state = "ok";
    this.fault = null;
  }

  /** What was kept for another round and is refused as a whole does not stand in the way of this one. */
  #failed(error, ofOtherRound) {
    const status = error instanceof Refused ? error.status : 0;
    const isFinal = status >= 400 && status < 500 && !MAY_PASS.has(status);
    if (isFinal && ofOtherRound.length) {
      for (const { event } of ofOtherRound) this.outbox.refuse(event.event_id, "round_refused", error.message);
      this.isAskedAgain = true;
      return;
    }
    this.fault = error instanceof Refused ? error.message : null;
    this.state = status === 401 ? "ended" : isFinal ? "refused" : "offline";
    if (status !== 401) this.#later();
  }

  #later() {
    this.tries += 1;
    this.isAskedAgain = false;
    this.retryAt = Date.now() + Math.min(LONGEST_WAIT, 500 * 2 ** Math.min(this.tries, 6));
  }

  #isWanted() {
    return this.retryAt !== null || this.outbox.size > 0;
  }

  #tick() {
    const isDue = this.retryAt === null ? this.outbox.size > 0 || this.desk?.wants() : Date.now() >= this.retryAt || this.retryAt - Date.now() > 2 * LONGEST_WAIT;
    if (!this.isBusy && isDue) this.send();
  }

  /** The page is being closed: what is on its way may be cut off, and goes once more in a request that outlives the page. */
  #sendLast() {
    const entries = this.outbox.next(MOST_EVENTS, MOST_LAST_BYTES);
    if (entries.length && this.state !== "ended") fetch(this.api, { ...this.#request(body(entries, entries[0].round, {})), keepalive: true }).catch(() => {});
  }

  #closeWhenDone() {
    if (!this.desk && !this.isBusy && (!this.outbox.size || this.state === "ended")) this.close();
  }
}

function body(entries, round, asked) {
  const [first] = entries;
  return { round, events: entries.map((entry) => entry.event), ...(first && { guidelines: first.guidelines }), ...asked };
}

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}
