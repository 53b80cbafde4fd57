import { network, softmax } from "./network.js";
import { SIDE, square } from "../../../www/images/square.js";

const by = (id) => document.getElementById(id);
const packed = Uint8Array.from(atob(by("network").textContent.trim()), (letter) => letter.charCodeAt(0));
const { classes, logits } = network(packed);

/** Classes that are told, the likeliest first. */
const TOLD = 5;

function tell(shares, millis) {
  const order = shares.map((share, i) => ({ share, name: classes[i] })).sort((a, b) => b.share - a.share);
  by("answers").replaceChildren(
    ...order.slice(0, TOLD).map(({ share, name }) => {
      const line = document.createElement("li");
      const bar = document.createElement("meter");
      Object.assign(bar, { min: 0, max: 1, value: share });
      bar.setAttribute("aria-label", name);
      line.append(bar, ` ${name}, ${(100 * share).toFixed(1)} %`);
      return line;
    }),
  );
  by("said").textContent = `It takes this for ${order[0].name} (${Math.round(millis)} ms).`;
}

/** Shows what the network sees, then what it says; the picture first, since a large network takes a second. */
function classify(rgba) {
  by("seen").getContext("2d").putImageData(new ImageData(rgba, SIDE, SIDE), 0, 0);
  by("said").textContent = "Looking…";
  setTimeout(() => {
    const start = performance.now();
    const shares = softmax(logits(rgba));
    tell(shares, performance.now() - start);
  });
}

async function file(blob) {
  try {
    const picture = await createImageBitmap(blob);
    classify(square(picture, picture.width, picture.height));
  } catch {
    by("said").textContent = `${blob.name ?? "This"} is no picture that this browser can read.`;
  }
}

by("file").addEventListener("change", ({ target }) => target.files[0] && file(target.files[0]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const [dropped] = event.dataTransfer.files;
  if (dropped) file(dropped);
});

// A drawing.
const sketch = by("sketch");
const pen = sketch.getContext("2d");
const clear = () => {
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, sketch.width, sketch.height);
};
clear();
sketch.addEventListener("pointerdown", ({ offsetX, offsetY, pointerId }) => {
  sketch.setPointerCapture(pointerId);
  Object.assign(pen, { lineWidth: sketch.width / 16, lineCap: "round", lineJoin: "round", strokeStyle: by("colour").value });
  const scale = sketch.width / sketch.clientWidth;
  pen.beginPath();
  pen.moveTo(offsetX * scale, offsetY * scale);
  pen.lineTo(offsetX * scale, offsetY * scale);
  pen.stroke();
});
sketch.addEventListener("pointermove", ({ offsetX, offsetY, buttons }) => {
  if (!buttons) return;
  const scale = sketch.width / sketch.clientWidth;
  pen.lineTo(offsetX * scale, offsetY * scale);
  pen.stroke();
});
sketch.addEventListener("pointerup", () => classify(square(sketch, sketch.width, sketch.height)));
by("clear").addEventListener("click", clear);
by("look").addEventListener("click", () => classify(square(sketch, sketch.width, sketch.height)));

// The camera.
const video = by("video");
by("camera").addEventListener("click", async () => {
  try {
    video.srcObject ??= await navigator.mediaDevices.getUserMedia({ video: true });
    video.hidden = false;
    by("shoot").hidden = false;
    await video.play();
  } catch {
    by("said").textContent = "The browser gives no camera to this page.";
  }
});
by("shoot").addEventListener("click", () => classify(square(video, video.videoWidth, video.videoHeight)));
