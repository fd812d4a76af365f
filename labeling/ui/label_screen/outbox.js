/**
 * What the server has not taken: events on their way (`waiting`) and those that it refused (`refused`); in memory, and in
 * localStorage so that they outlive the tab and the session.
 *
 * Each is an entry of its own, `tiebreak.outbox.PROJECT.ANNOTATOR.EVENT` (or `tiebreak.refused.…`), so that tabs which share
 * the storage never overwrite each other. An entry says where its event belongs: `{n, round, guidelines, event}`, a refused
 * one also `code` and `reason`. `n` keeps their order: it counts up from the largest that is stored, whatever the clock says.
 */
export class Outbox {
  constructor(project, annotator, storage) {
    this.waiting = new Shelf(`tiebreak.outbox.${project}.${annotator}.`, storage);
    this.refused = new Shelf(`tiebreak.refused.${project}.${annotator}.`, storage);
  }

  get size() {
    return this.waiting.size;
  }

  get isDurable() {
    return this.waiting.isDurable && this.refused.isDurable;
  }

  add(event, round, guidelines) {
    this.waiting.put({ n: this.waiting.last + 1, round, guidelines, event });
  }

  /** The oldest entries that go to one round, given by one version of its guidelines: at most `most`, and `bytes` of JSON. */
  next(most, bytes) {
    const entries = [];
    let room = bytes;
    for (const entry of this.waiting.inOrder()) {
      const [first] = entries;
      if (first && (entry.round !== first.round || entry.guidelines !== first.guidelines)) continue;
      room -= JSON.stringify(entry.event).length;
      if (entries.length === most || (room < 0 && first)) break;
      entries.push(entry);
    }
    return entries;
  }

  /** The server has it. What was refused of the same pair is settled by a decision that was taken. */
  acknowledge(eventId) {
    const entry = this.waiting.take(eventId);
    if (!entry || entry.event.action === "flag") return;
    for (const old of this.refused.inOrder()) if (isOfSamePair(old, entry)) this.refused.take(old.event.event_id);
  }

  refuse(eventId, code, reason) {
    const entry = this.waiting.take(eventId);
    if (entry) this.refused.put({ ...entry, code, reason });
  }

  /** Send again what was refused: the fault may be gone. */
  retry(entries) {
    for (const { code, reason, ...entry } of entries) {
      this.refused.take(entry.event.event_id);
      this.waiting.put({ ...entry, n: this.waiting.last + 1 });
    }
  }

  discard() {
    for (const entry of this.refused.inOrder()) this.refused.take(entry.event.event_id);
  }

  /** Another tab stored or removed something. Returns whether that concerned this outbox. */
  follow(key, value) {
    return [this.waiting, this.refused].some((shelf) => shelf.follow(key, value));
  }
}

function isOfSamePair(one, other) {
  return one.round === other.round && one.event.pair_id === other.event.pair_id;
}

/** Entries by their event's id, in memory and under a prefix of the storage. */
class Shelf {
  constructor(prefix, storage) {
    this.prefix = prefix;
    this.storage = storage;
    this.entries = new Map();
    this.isDurable = true;
    for (const key of Object.keys(storage)) if (key.startsWith(prefix)) this.#read(storage.getItem(key));
  }

  get size() {
    return this.entries.size;
  }

  get last() {
    return Math.max(0, ...[...this.entries.values()].map((entry) => entry.n));
  }

  inOrder() {
    return [...this.entries.values()].sort((one, other) => one.n - other.n);
  }

  put(entry) {
    this.entries.set(entry.event.event_id, entry);
    try {
      this.storage.setItem(this.prefix + entry.event.event_id, JSON.stringify(entry));
    } catch {
      this.isDurable = false; // storage is full or switched off: the tab itself still keeps it
    }
  }

  take(eventId) {
    const entry = this.entries.get(eventId);
    this.entries.delete(eventId);
    this.storage.removeItem(this.prefix + eventId);
    return entry;
  }

  follow(key, value) {
    if (!key?.startsWith(this.prefix)) return false;
    if (value === null) this.entries.delete(key.slice(this.prefix.length));
    else this.#read(value);
    return true;
  }

  #read(text) {
    try {
      const entry = JSON.parse(text);
      if (typeof entry.n === "number" && typeof entry.round === "string" && typeof entry.event.event_id === "string") this.entries.set(entry.event.event_id, entry);
    } catch {
      // Not ours, or cut off by a full disk: what cannot be read cannot be sent.
    }
  }
}
