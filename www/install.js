/** The browser's offer to install the page, caught as soon as it comes, so that a button can take it up. */
let offer = null;
let button = null;

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offer = event;
  if (button) button.hidden = false;
});
addEventListener("appinstalled", () => {
  offer = null;
  if (button) button.hidden = true;
});

/** @param {HTMLButtonElement} install takes the offer up, once there is one */
export function offerInstall(install) {
  button = install;
  install.hidden = !offer;
  install.addEventListener("click", async () => {
    install.hidden = true;
    await offer?.prompt();
  });
}
