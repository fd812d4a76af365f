/**
 * Events that the server has not acknowledged yet: in memory, and in localStorage so that they outlive the tab.
 *
 * Each event is an entry of its own, `${prefix}.${event_id}`, so that tabs which share the storage never overwrite each
 * other. `n` keeps their order: it counts up from the largest that is stored, whatever the clock says.
 */
export class Outbox {
  constructor(prefix, storage) {
    this.prefix = prefix;
    this.storage = storage;
    this.entries = new Map();
    this.isDurable = true;
    for (const key of this.#keys()) this.#read(key);
  }

  get size() {
    return this.entries.size;
  }

  has(eventId) {
    return this.entries.has(eventId);
  }

  /** The events in the order in which they were made, at most `most` of them and `bytes` of JSON. */
  next(most, bytes) {
    const events = [];
    let room = bytes;
    for (const { event } of [...this.entries.values()].sort((one, other) => one.n - other.n)) {
      room -= JSON.stringify(event).length;
      if (events.length === most || (room < 0 && events.length)) break;
      events.push(event);
    }
    return events;
  }

  add(event) {
    let n = 0;
    for (const entry of this.entries.values()) n = Math.max(n, entry.n);
    const entry = { n: n + 1, event };
    this.entries.set(event.event_id, entry);
    try {
      this.storage.setItem(this.#key(event.event_id), JSON.stringify(entry));
    } catch {
      this.isDurable = false; // storage is full or switched off: the tab itself still keeps it
    }
  }

  remove(eventId) {
    this.entries.delete(eventId);
    this.storage.removeItem(this.#key(eventId));
  }

  /** Another tab stored or removed something. Returns whether that concerned this outbox. */
  follow(key, value) {
    if (key === null || !key.startsWith(`${this.prefix}.`)) return false;
    if (value === null) this.entries.delete(key.slice(this.prefix.length + 1));
    else this.#read(key);
    return true;
  }

  #key(eventId) {
    return `${this.prefix}.${eventId}`;
  }

  #keys() {
    return Object.keys(this.storage).filter((key) => key.startsWith(`${this.prefix}.`));
  }

  #read(key) {
    try {
      const entry = JSON.parse(this.storage.getItem(key));
      if (typeof entry.n === "number" && typeof entry.event.event_id === "string") this.entries.set(entry.event.event_id, entry);
    } catch {
      // Not ours, or cut off by a full disk: what cannot be read cannot be sent.
    }
  }
}
