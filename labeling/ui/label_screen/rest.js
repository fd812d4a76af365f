/** What stands where a pair would: because all is done, because it is on its way, or because nothing comes. */
import { plural } from "./text.js";

/** Its `title` and `text`, and the round to go on with (`next`), where one waits. */
export function rest(desk) {
  const { status, link } = desk;
  if (link.state === "ended") return { title: "This screen was signed out", text: "Reload the page to go on. What is kept here is sent then." };
  if (link.state !== "ok") return { title: "No connection to the server", text: "Your labels are kept here and sent as soon as it answers." };
  if (!status || desk.returning !== null) return { title: "Bringing the next pair", text: "" };
  const next = desk.data.rounds.find((one) => one.waiting > 0) ?? null;
  // In review a pair asks for no number of labels: it is over for whoever has given theirs.
  const left = Math.max(0, status.total - (status.round.purpose === "review" ? status.mine : status.done));
  if (status.state === "closed") return { title: "This round is closed", text: "It takes no more labels. Ask the project's lead to open it.", next };
  if (status.state === "practice_first") return { title: "Practice comes first", text: "The work round opens when you have passed it. Reload the page to begin." };
  if (status.practice && (desk.isDry || status.practice.answered >= status.practice.total)) return practised(status.practice);
  if (!status.total) return { title: "No pairs yet", text: "This round has no pairs.", next };
  if (!left) return { title: "Every pair has its labels", text: `${plural(status.mine, "label")} of yours. There is nothing left to do in this round.`, next };
  if (!desk.isDry) return { title: "Bringing the next pair", text: "" };
  return { title: "Nothing waits for you now", text: `${plural(left, "pair")} of this round wait for others, or were skipped by you.`, next };
}

/** A round as its annotators call it. */
export function nameOf({ name, purpose }) {
  if (name === "work") return "Work round";
  return name === purpose ? name : `${name} · ${purpose}`;
}

function practised({ passed, correct, answered, pass_mark }) {
  const agreed = `${correct} of ${plural(answered, "answer")} agreed`;
  if (passed) return { title: "Practice passed", text: `${agreed} with the project.`, next: { name: "work" } };
  return { title: "Practice is over", text: `${agreed}; ${Math.round(100 * pass_mark)} % were asked for. Read the guidelines again and speak with the lead.` };
}
