/**
 * The component `tiebreak.label`: Streamlit calls it at every script run, with what the page knows.
 *
 * The desk and its view live as long as the element does; a script run that changes nothing leaves them alone.
 */
import { Desk } from "./desk.js";
import { View } from "./view.js";

const screens = new Map();

export default function ({ data, key, parentElement }) {
  const root = parentElement.querySelector(".tiebreak");
  const place = `${key} ${data.project} ${data.annotator} ${data.token} ${data.round.name} ${data.open ?? ""} ${JSON.stringify(data.asked)}`;
  const known = screens.get(key);
  if (known && known.place === place && known.root === root) return known.leave;
  known?.close();
  const style = document.createElement("style");
  style.textContent = data.style;
  parentElement.append(style);
  let view = null;
  const desk = new Desk(data, (kind) => view?.paint(kind));
  view = new View(root, desk);
  const screen = {
    place,
    root,
    close() {
      desk.close();
      view.close();
      style.remove();
      screens.delete(key);
    },
    leave: () => root.isConnected || screen.close(),
  };
  screens.set(key, screen);
  return screen.leave;
}
