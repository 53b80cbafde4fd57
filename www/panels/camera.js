/** The camera: asked for when it is started and only then, and let go when the page or the panel is left. */
import { element } from "../ui/dom.js";

/** The network sees 32 pixels: a small picture is enough, and quick. */
const WANTED = { video: { width: { ideal: 320 }, height: { ideal: 240 }, facingMode: { ideal: "environment" } }, audio: false };

const REASONS = {
  NotAllowedError: "The camera was not allowed. The browser's address bar has a switch for it.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is in use by another program.",
};

export class Camera {
  #stream = null;
  /** Counts starts, so that a stop while the user is still asked is heeded. */
  #turn = 0;
  #changed;

  /**
   * @param {HTMLElement} panel the camera stops when it is out of sight
   * @param {(running: boolean) => void} changed called when it has started or stopped
   */
  constructor(panel, changed) {
    this.#changed = changed;
    this.video = element("video", { muted: true, playsinline: true, "aria-label": "What the camera sees" });
    this.video.muted = true;
    document.addEventListener("visibilitychange", () => document.hidden && this.stop());
    addEventListener("pagehide", () => this.stop());
    new IntersectionObserver(([{ isIntersecting }]) => !isIntersecting && this.stop()).observe(panel);
  }

  get running() {
    return this.#stream !== null;
  }

  /**
   * Asks for the camera.
   * @throws {Error} there is none, or it was not allowed
   */
  async start() {
    if (this.running) return;
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("The browser gives a page no camera here: the address must begin with https, or be localhost.");
    }
    const turn = ++this.#turn;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(WANTED);
    } catch (error) {
      throw new Error(REASONS[error.name] ?? `The camera did not start: ${error.message}`);
    }
    if (turn !== this.#turn) {
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.#stream = stream;
    stream.getVideoTracks()[0].addEventListener("ended", () => this.stop());
    this.video.srcObject = stream;
    this.#changed(true);
    // Interrupted where it is stopped at once: that is no failure.
    await this.video.play().catch(() => {});
  }

  /** Lets the camera go. */
  stop() {
    this.#turn += 1;
    if (!this.#stream) return;
    this.#stream.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
    this.#changed(false);
  }
}
