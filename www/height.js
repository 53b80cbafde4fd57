/** A frame's page tells its host how high it is, so that the host may make room for it: nothing else leaves the frame. */
export function tellHeight() {
  if (parent === window) return;
  let told = 0;
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height === told) return;
    told = height;
    // Whoever the host is: a height is nobody's secret.
    parent.postMessage({ nibble: { height } }, "*");
  }).observe(document.body);
}
