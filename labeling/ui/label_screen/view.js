/**
 * The page of the labelling screen: what it looks like, and what keys, mouse and touch do.
 *
 * Everything is made once; a new pair only changes texts. Left and right are alike in every respect.
 */
import { Beside } from "./beside.js";
import { Card, isFirstClick } from "./card.js";
import { words } from "./diff.js";
import { Guidelines } from "./guidelines.js";
import { Keys, isForOthers, shown } from "./keys.js";
import { Notice } from "./notice.js";
import { Panels, feedbackPanel, keysPanel, roundsPanel, whyPanel } from "./panels.js";
import { nameOf, rest } from "./rest.js";
import { h, raw, rendered } from "./text.js";
import { Top } from "./top.js";

const NAMES = { left: "Left is better", tie: "Tie", both_bad: "Both bad", right: "Right is better" };
const SIDES = ["left", "right"];
const BOUNCE = 120; // milliseconds after a paint in which a press was meant for the pair before
const MOST_SPOKEN = 100; // characters of the prompt by which a screen reader tells a new pair
const COVERED = Object.fromEntries(["prompt", "left", "right"].map((part) => [part, { html: "", raw: "" }]));
const SKIP_REASONS = ["Cannot decide", "Not my language", "Broken text", "Upsetting"];

export class View {
  constructor(root, desk) {
    this.root = root;
    this.desk = desk;
    this.asked = desk.data.asked;
    this.verdicts = ["left", this.asked.ties && "tie", this.asked.both_bad && "both_bad", "right"].filter(Boolean);
    this.keys = new Keys(this.verdicts, this.asked.reasons, `tiebreak.keys.${desk.data.annotator}`, window.localStorage);
    this.mode = { raw: false, diff: false, together: false, counts: false, whole: false };
    this.side = "left"; // which answer a narrow screen shows
    this.chosen = null; // a verdict that waits for what is required
    this.paintedAt = -Infinity;
    this.pressedAt = -Infinity; // when a busy page comes to handle a press says nothing of whom it was meant for
    this.hadMark = false; // text was marked when the pointer went down: the click takes that mark away
    this.listeners = new AbortController();
    this.beside = new Beside(this.asked, this.keys, () => this.chosen && this.#choose(this.chosen));
    this.#build();
    this.panels = new Panels(this.root, () => this.root.focus({ preventScroll: true }));
    for (const name of ["keydown", "click"]) {
      document.addEventListener(name, (event) => (this.pressedAt = event.timeStamp), { signal: this.listeners.signal, capture: true });
    }
    document.addEventListener("keydown", (event) => this.#key(event), { signal: this.listeners.signal });
    // A mouse that lies still on one answer while keys decide must not make it look chosen.
    this.root.addEventListener("pointermove", (event) => (event.movementX || event.movementY) && this.root.classList.add("pointing"), { signal: this.listeners.signal, passive: true });
    document.addEventListener("pointerdown", () => (this.hadMark = this.#isTextMarked()), { signal: this.listeners.signal, capture: true });
    window.addEventListener("resize", () => this.#fit(), { signal: this.listeners.signal });
    this.#fit();
    this.guidelines = new Guidelines(desk, this.panels);
    this.guidelines.follow(desk.data.guidelines.number);
    this.paint("pair");
  }

  close() {
    this.listeners.abort();
    this.root.replaceChildren();
  }

  /** "pair": another one is on the screen; "judged": it was decided and stays; "feedback": what is right is known; "state": the rest. */
  paint(kind) {
    if (kind === "pair") this.#paintPair();
    else if (kind === "judged") this.#tell("Asking what the project holds right.");
    else if (kind === "feedback") this.#showFeedback();
    this.#paintState();
  }

  // --- made once ---

  #build() {
    this.notice = new Notice(this.desk);
    this.cover = h("button", { type: "button", class: "uncover", hidden: true, onclick: () => this.#uncover() });
    this.spoken = h("div", { class: "spoken", role: "status", "aria-live": "polite" });
    this.hint = h("div", { class: "hint", role: "status", "aria-live": "polite" });
    this.tools = {};
    const [prompt, cards, foot] = [this.#makePrompt(), this.#makeCards(), this.#makeFoot()];
    this.work = h("div", { class: "work" }, prompt, this.cover, this.switch, cards, this.beside.root, this.spoken, this.hint, foot);
    this.rest = h("div", { class: "rest" });
    this.top = new Top(this.desk, () => this.panels.show("Rounds", roundsPanel(this.desk.data.rounds, (name) => this.#goTo(name))));
    this.root.replaceChildren(this.top.root, this.notice.root, this.work, this.rest);
    this.#nameKeys();
  }

  #makePrompt() {
    this.prompt = h("div", { class: "completion text", tabindex: "0", role: "region", "aria-label": "Prompt" });
    return h("section", { class: "prompt" }, h("header", {}, "Prompt", this.#tool("whole", "Whole prompt")), this.prompt);
  }

  #makeCards() {
    const on = {
      choose: (side) => this.#choose(side),
      edit: (side) => this.#edit(side),
      written: () => this.chosen && this.#choose(this.chosen),
      isTextMarked: () => this.hadMark || this.#isTextMarked(),
    };
    this.cards = Object.fromEntries(SIDES.map((side) => [side, new Card(side, this.asked.edits, on)]));
    for (const side of SIDES) this.cards[side].text.addEventListener("scroll", () => this.#scrolled(side), { signal: this.listeners.signal, passive: true });
    this.switch = h("div", { class: "switch", role: "group", "aria-label": "Answer on the screen" }, ...SIDES.map((side) =>
      h("button", { type: "button", "data-side": side, onclick: () => this.#turn(side) }, side === "left" ? "Left" : "Right")));
    return h("div", { class: "cards" }, this.cards.left.root, this.cards.right.root);
  }

  #makeFoot() {
    this.buttons = Object.fromEntries(this.verdicts.map((verdict) => [verdict, h("button", { type: "button", class: "verdict", "data-verdict": verdict, onclick: (event) => isFirstClick(event) && this.#choose(verdict) })]));
    return h("div", { class: "foot" },
      h("div", { class: "tools" }, this.#tool("undo", "Undo"), this.#tool("skip", "Skip"), this.#tool("flag", "Flag")),
      h("div", { class: "verdicts", role: "group", "aria-label": "Which answer is better" }, ...Object.values(this.buttons)),
      h("div", { class: "tools end" }, this.#tool("diff", "Differences"), this.#tool("raw", "Raw"), this.#tool("guidelines", "Guidelines"), this.#tool("keys", "Keys")));
  }

  #tool(action, name) {
    return (this.tools[action] = h("button", { type: "button", class: "tool", "data-tool": action, onclick: () => this.#act(action) }, name));
  }

  #isTextMarked() {
    const selection = this.root.getRootNode().getSelection?.() ?? document.getSelection();
    return selection !== null && !selection.isCollapsed && String(selection).length > 0;
  }

  #nameKeys() {
    const hint = (action) => (this.keys.areOn && this.keys.of(action) ? h("kbd", {}, shown(this.keys.of(action))) : null);
    for (const [verdict, button] of Object.entries(this.buttons)) button.replaceChildren(...[hint(verdict), NAMES[verdict]].filter(Boolean));
    for (const [action, button] of Object.entries(this.tools)) {
      const name = button.firstChild.textContent;
      button.replaceChildren(...[name, hint(action)].filter(Boolean));
    }
    this.cover.replaceChildren(...["This pair is marked as sensitive. Show it", hint("uncover")].filter(Boolean));
    this.beside.nameKeys();
  }

  // --- what was done ---

  #key(event) {
    // A button that is held down with Enter would be pressed again on every pair that comes.
    if (event.repeat && event.key === "Enter" && event.composedPath()[0].closest?.("button") && event.composedPath().includes(this.root)) event.preventDefault();
    if (!this.keys.areOn || this.panels.isOpen || !this.root.isConnected || isForOthers(event)) return;
    const action = this.keys.actionOf(event);
    if (action === null) return;
    event.preventDefault();
    this.#flash(action);
    this.#act(action);
  }

  #act(action) {
    if (this.verdicts.includes(action)) this.#choose(action);
    else if (action in this.mode) this.#toggle(action);
    else if (action === "undo") this.#undo();
    else if (action === "skip") this.#skip();
    else if (action === "flag") this.#flag();
    else if (action === "uncover") this.#uncover();
    else if (action === "guidelines") this.guidelines.show();
    else if (action === "keys") this.panels.show("Keys", keysPanel(this.keys, () => this.#nameKeys()));
    else if (action.startsWith("edit_")) this.#edit(action.slice(5));
    else this.beside.act(action);
  }

  #isTooSoon() {
    return this.pressedAt - this.paintedAt < BOUNCE;
  }

  #choose(verdict) {
    const { pair } = this.desk;
    if (!pair || this.desk.judged || this.#isTooSoon() || this.panels.isOpen) return;
    if (this.#isCovered(pair)) return this.#tell(`Open this pair before you decide${this.#keyOf("uncover")}.`);
    this.chosen = verdict;
    this.#paintChosen();
    const edited = this.#edited(verdict);
    if (edited === null) return this.#tell("Your edit is in the other answer. Choose that one, or take the edit back.");
    const missing = this.beside.missing(verdict);
    if (missing) return this.#tell(`Before this is saved, say ${missing}.`);
    this.desk.label(verdict, { ...this.beside.fields(verdict), ...edited });
  }

  /** The edit that goes with this verdict; null where one was made that would be lost. */
  #edited(verdict) {
    const changed = SIDES.filter((side) => this.cards[side].isEdited);
    if (!changed.length) return {};
    if (changed.length > 1 || (changed[0] !== verdict && verdict !== "both_bad")) return null;
    return { edited: this.cards[changed[0]].written, ...(verdict === "both_bad" && { edited_side: changed[0] }) };
  }

  #skip() {
    if (!this.desk.pair || this.desk.judged || this.#isTooSoon()) return;
    if (!this.asked.skip_reasons?.length) return this.desk.skip({});
    this.panels.show("Skip this pair", whyPanel("Skip", this.asked.skip_reasons, (why) => {
      this.panels.close();
      this.desk.skip(why);
    }));
  }

  #flag() {
    if (!this.desk.pair) return;
    const reasons = this.asked.skip_reasons?.length ? this.asked.skip_reasons : SKIP_REASONS;
    const words = h("p", {}, "Tell the lead what is wrong with it. A flag changes no label: decide or skip the pair as well.");
    this.panels.show("Flag this pair", [words, ...whyPanel("Flag", reasons, (why) => {
      this.panels.close();
      this.desk.flag(why);
    })]);
  }

  #undo() {
    if (this.#isTooSoon()) return;
    this.desk.undo();
  }

  #toggle(mode) {
    this.mode[mode] = !this.mode[mode];
    if (mode === "raw" && this.mode.raw) this.mode.diff = false;
    if (mode === "diff" && this.mode.diff) this.mode.raw = false;
    this.#paintTexts();
    if (mode === "together") this.#tell(this.mode.together ? "The answers scroll together." : "Each answer scrolls by itself.");
  }

  #edit(side) {
    const { pair } = this.desk;
    if (!pair || this.desk.judged || !this.asked.edits || this.#isCovered(pair)) return;
    if (this.cards[side].isWriting) this.cards[side].takeBack();
    else {
      this.#turn(side);
      this.cards[side].write();
    }
  }

  #turn(side) {
    this.side = side;
    this.root.dataset.side = side;
    for (const button of this.switch.children) button.setAttribute("aria-pressed", String(button.dataset.side === side));
  }

  #uncover() {
    const { pair } = this.desk;
    if (!pair || !this.#isCovered(pair)) return;
    pair.isOpen = true;
    this.#tell("");
    this.#paintTexts();
    this.#toNewestTurn();
    this.root.focus({ preventScroll: true });
  }

  #isCovered(pair) {
    return pair.sensitive && !pair.isOpen;
  }

  #scrolled(side) {
    if (!this.mode.together || this.isFollowing === side) {
      this.isFollowing = null;
      return;
    }
    const [from, to] = [this.cards[side].text, this.cards[side === "left" ? "right" : "left"].text];
    const share = from.scrollTop / Math.max(1, from.scrollHeight - from.clientHeight);
    this.isFollowing = side === "left" ? "right" : "left";
    to.scrollTop = share * (to.scrollHeight - to.clientHeight);
  }

  // --- what is seen ---

  #paintPair() {
    const { pair } = this.desk;
    this.chosen = null;
    this.root.dataset.pair = pair ? pair.pair_id : "";
    this.root.classList.remove("pointing");
    this.work.hidden = !pair;
    this.rest.hidden = Boolean(pair);
    if (pair) {
      for (const side of SIDES) this.cards[side].hold(pair[side].raw);
      this.beside.reset(pair.mine);
      this.#paintTexts();
      this.#toNewestTurn();
      this.#turn("left");
      if (pair.mine?.edited && this.asked.edits) this.#restore(pair.mine.edited_side ?? pair.mine.verdict, pair.mine.edited);
      this.#tell(pair.mine ? `${pair.isUnsaved ? "Not saved yet. " : ""}Your label was: ${NAMES[pair.mine.verdict]}.` : "");
      this.#paintChosen();
      this.spoken.textContent = this.#isCovered(pair) ? `Next pair, number ${pair.pair_id}, marked as sensitive` : `Next pair: ${this.#newestTurn().slice(0, MOST_SPOKEN)}`;
      this.root.getBoundingClientRect(); // lays it out: nobody has seen a long text before that
      this.paintedAt = performance.now();
      this.desk.shown();
    } else this.#paintRest();
  }

  #restore(side, written) {
    if (!SIDES.includes(side)) return;
    this.#turn(side);
    this.cards[side].restore(written);
  }

  #paintTexts() {
    const { pair } = this.desk;
    if (!pair) return;
    const isCovered = this.#isCovered(pair);
    this.cover.hidden = !isCovered;
    this.work.classList.toggle("covered", isCovered);
    this.work.classList.toggle("whole", this.mode.whole);
    const shown = isCovered ? COVERED : pair;
    const parts = this.mode.diff ? words(shown.left.raw, shown.right.raw) : null;
    if (this.mode.raw) this.prompt.replaceChildren(raw(shown.prompt.raw));
    else rendered(this.prompt, shown.prompt.html);
    for (const side of SIDES) this.cards[side].paint(shown[side], this.mode, parts?.[side]);
    for (const mode of ["raw", "diff", "whole"]) this.tools[mode].setAttribute("aria-pressed", String(this.mode[mode]));
  }

  /** What the answers answer: of a prompt of many turns the newest one. */
  #newestTurn() {
    const { html, raw } = this.desk.pair.prompt;
    const turns = this.mode.raw ? h("div") : this.prompt;
    if (this.mode.raw) rendered(turns, html);
    const newest = turns.querySelector(".turn.last");
    if (!newest) return raw;
    const [role, ...said] = [...newest.children].map((part) => part.textContent.trim());
    return `${role}: ${said.join(" ")}`;
  }

  /** The turns before the newest are above. */
  #toNewestTurn() {
    const newest = this.prompt.querySelector(".turn.last");
    this.prompt.scrollTop = newest ? newest.offsetTop - this.prompt.offsetTop : 0;
  }

  #paintChosen() {
    const standing = this.chosen ?? this.desk.pair?.mine?.verdict ?? null;
    for (const [verdict, button] of Object.entries(this.buttons)) button.setAttribute("aria-pressed", String(verdict === standing));
    for (const side of SIDES) this.cards[side].root.classList.toggle("chosen", side === standing);
  }

  #paintState() {
    const { desk } = this;
    this.top.paint();
    if (desk.status) this.guidelines.follow(desk.status.guidelines);
    this.tools.undo.disabled = !desk.canUndo;
    this.tools.flag.firstChild.textContent = desk.pair?.isFlagged ? "Flagged" : "Flag";
    this.notice.paint();
    if (!desk.pair) this.#paintRest();
  }

  #showFeedback() {
    const { feedback } = this.desk;
    if (this.told === feedback) return;
    this.told = feedback;
    this.#tell("");
    this.panels.show("Practice", feedbackPanel(feedback, NAMES, () => this.panels.close()), { end: () => this.desk.goOn() });
  }

  /** There is no pair: because all is done, because it is on its way, or because nothing comes. */
  #paintRest() {
    const { title, text, next } = rest(this.desk);
    const undo = h("button", { type: "button", class: "tool", onclick: () => this.#act("undo"), disabled: !this.desk.canUndo }, "Undo the last one", h("kbd", {}, shown(this.keys.of("undo"))));
    const go = next && h("button", { type: "button", class: "primary", onclick: () => this.#goTo(next.name) }, `Go on with ${next.name === "work" ? "the work round" : nameOf(next)}`);
    this.rest.replaceChildren(h("h2", {}, title), h("p", {}, text), h("div", { class: "actions" }, ...[go, undo].filter(Boolean)));
  }

  /** Another round has its own guidelines and its own queue: the page opens it. What is not sent yet goes on being sent. */
  #goTo(round) {
    const address = new URL(window.location.href);
    address.searchParams.set("round", round);
    address.searchParams.delete("pair");
    window.location.assign(address);
  }

  #keyOf(action) {
    return this.keys.areOn && this.keys.of(action) ? ` (${shown(this.keys.of(action))})` : "";
  }

  #tell(sentence) {
    this.hint.textContent = sentence;
  }

  #flash(action) {
    const button = this.buttons[action] ?? this.tools[action];
    if (!button) return;
    button.classList.add("hit");
    setTimeout(() => button.classList.remove("hit"), 100);
  }

  /** The screen ends where the window does, wherever Streamlit let it begin. */
  #fit() {
    this.root.style.setProperty("--above", `${Math.max(0, Math.round(this.root.getBoundingClientRect().top + window.scrollY))}px`);
  }
}
