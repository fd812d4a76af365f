/**
 * The line to the server: sends what the outbox holds until it is acknowledged, and brings the next pairs.
 *
 * One request is under way at a time. After a fault it waits 1, 2, 4 … 15 seconds; coming back (online, visible, awake)
 * tries at once. A clock compares moments, so that a laptop that slept does not wait for timers that did not run.
 */
const MOST_EVENTS = 200;
const MOST_BYTES = 1_000_000;
const TIMEOUT = 30_000;
const LONGEST_WAIT = 15_000;
const TICK = 1_000;

export class Link {
  /**
   * `ask()` returns the fields of a request beside its events; `take(answer, sent)` gets every answer; `changed()` is told
   * of every change of state. States: "ok", "offline", and "ended" (the token is not good any more).
   */
  constructor({ api, token, outbox, ask, take, changed }) {
    Object.assign(this, { api, token, outbox, ask, take, changed });
    this.state = "ok";
    this.fault = null;
    this.isBusy = false;
    this.isAskedAgain = false;
    this.tries = 0;
    this.retryAt = null;
    this.timer = setInterval(() => this.#tick(), TICK);
    this.listeners = new AbortController();
    const now = () => this.#isWanted() && this.send();
    for (const [target, name] of [[window, "online"], [window, "pageshow"], [window, "focus"], [document, "visibilitychange"], [document, "resume"]]) {
      target.addEventListener(name, now, { signal: this.listeners.signal });
    }
  }

  close() {
    clearInterval(this.timer);
    this.listeners.abort();
  }

  /** Send now, or right behind the request that is under way. */
  async send() {
    if (this.state === "ended") return;
    if (this.isBusy) {
      this.isAskedAgain = true;
      return;
    }
    this.isBusy = true;
    this.isAskedAgain = false;
    const events = this.outbox.next(MOST_EVENTS, MOST_BYTES);
    const asked = this.ask();
    try {
      const answer = await this.#post({ ...asked, events });
      this.tries = 0;
      this.retryAt = null;
      this.state = "ok";
      this.fault = null;
      for (const id of answer.acked) this.outbox.remove(id);
      for (const one of answer.refused) if (!one.retry) this.outbox.remove(one.event_id);
      this.take(answer, { asked, events });
      if (answer.refused.some((one) => one.retry)) this.#later();
      else if (this.outbox.size) this.isAskedAgain = true;
    } catch (error) {
      this.#failed(error);
    } finally {
      this.isBusy = false;
      this.changed();
    }
    if (this.isAskedAgain) this.send();
  }

  async #post(body) {
    const response = await fetch(this.api, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.token}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT),
    });
    if (response.ok) return response.json();
    const said = await response.json().catch(() => ({}));
    throw new Refused(response.status, said.error ?? `The server answered ${response.status}.`);
  }

  #failed(error) {
    const status = error instanceof Refused ? error.status : 0;
    this.fault = error instanceof Refused ? error.message : null;
    if (status === 401) this.state = "ended";
    else {
      this.state = status >= 400 && status < 500 ? "refused" : "offline";
      this.#later();
    }
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
    const isDue = this.retryAt === null ? this.outbox.size > 0 : Date.now() >= this.retryAt || this.retryAt - Date.now() > 2 * LONGEST_WAIT;
    if (!this.isBusy && isDue) this.send();
  }
}

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}
