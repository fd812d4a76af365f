"""Every text that is seen, with its contrast against what is painted behind it; disabled controls may be paler."""

CONTRASTS = """root => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = color => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] + under[i] * (1 - top[3]));
  const light = color => color.map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const parent = one => one.parentElement ?? one.getRootNode().host ?? null;
  const ground = one => {
    const layers = [];
    for (let at = one; at; at = parent(at)) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduceRight((under, top) => over(top, under), [255, 255, 255]);
  };
  const found = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !one.checkVisibility() || one.closest(":disabled")) continue;
    const behind = ground(one);
    const [a, b] = [light(over(rgba(getComputedStyle(one).color), behind)), light(behind)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), text.slice(0, 40)]);
  }
  return found;
}"""
