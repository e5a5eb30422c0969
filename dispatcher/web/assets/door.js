// Scanning, and sending without leaving the page. Without this script the page works as plain forms.

const door = document.getElementById("door");
const { at, assets, language } = door.dataset;
const words = JSON.parse(door.dataset.words);
const result = document.getElementById("result");
const counts = document.querySelector("#counts strong");
const waitingNote = document.getElementById("waiting");
const scanButton = document.getElementById("scan");
const video = document.getElementById("video");

const CODE = /^D:[0-9A-HJKMNP-TV-Z]{8}$/;
const SIDE = 800;
const EVERY_MS = 150;
const SEEN_MS = 4000;
const TIMEOUT_MS = 10000;
const LONGEST_PAUSE_MS = 15000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const newRef = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");

// What the server has not answered yet. Its ref makes a request safe to send again: it counts once.
const queue = [];
let isSending = false;

async function post(job) {
  const control = new AbortController();
  const timer = setTimeout(() => control.abort(), TIMEOUT_MS);
  try {
    const headers = { Accept: "application/json" };
    const answer = await fetch(job.url, { method: "POST", body: job.body, headers, signal: control.signal });
    if (answer.status >= 500) throw new Error(String(answer.status));
    return await answer.json();
  } finally {
    clearTimeout(timer);
  }
}

async function sendAll() {
  if (isSending) return;
  isSending = true;
  let wait = 1000;
  while (queue.length) {
    try {
      const told = await post(queue[0]);
      const job = queue.shift();
      wait = 1000;
      show(told);
      if (job.form && told.tone !== "bad") job.form.reset();
    } catch {
      waitingNote.textContent = words.waiting.replace("{n}", queue.length);
      waitingNote.hidden = false;
      await pause(wait);
      wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
    }
  }
  waitingNote.hidden = true;
  isSending = false;
}

function send(url, fields, form) {
  queue.push({ url, body: new URLSearchParams(fields), form });
  sendAll();
}

function button(text, url, fields, isQuiet) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  if (isQuiet) made.className = "quiet";
  made.addEventListener("click", () => {
    made.disabled = true;
    send(url, { lang: language, ref: newRef(), ...fields });
  });
  return made;
}

function show(told) {
  const title = document.createElement("h2");
  title.textContent = told.title;
  const detail = document.createElement("p");
  detail.textContent = told.detail;
  const choices = told.choices.map((choice) => button(choice.label, at, { code: choice.code }));
  const undo = told.undo ? [button(told.undo_label, `${at}/undo`, told.undo, true)] : [];
  result.className = told.tone;
  result.replaceChildren(title, detail, ...choices, ...undo);
  if (told.counts) counts.textContent = told.counts;
  document.title = `${told.title} · ${words.page}`;
  if (navigator.vibrate) navigator.vibrate(told.tone === "good" ? 80 : [80, 80, 80]);
  if (told.shut) stop();
}

for (const form of document.querySelectorAll("form[data-send]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    form.elements.ref.value = newRef();
    send(form.action, new FormData(form), form);
  });
}

// What waits is in this page only.
addEventListener("beforeunload", (event) => {
  if (queue.length) event.preventDefault();
});

async function makeReader() {
  if ("BarcodeDetector" in window) {
    const formats = await BarcodeDetector.getSupportedFormats();
    if (formats.includes("qr_code")) {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      return async () => (await detector.detect(video)).map((found) => found.rawValue);
    }
  }
  const { decodeQR } = await import(`${assets}/qr/decode.js`);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return async () => {
    const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      return [decodeQR(context.getImageData(0, 0, canvas.width, canvas.height))];
    } catch {
      return []; // no code in this picture
    }
  };
}

let stream = null;
let seen = { text: "", at: 0 };

function take(text) {
  const now = performance.now();
  const isHeldStill = text === seen.text && now - seen.at < SEEN_MS;
  seen = { text, at: now };
  if (isHeldStill) return;
  if (CODE.test(text)) send(at, { code: text, ref: newRef(), lang: language });
  else show({ tone: "bad", title: words.not_ours, detail: words.code_hint, choices: [], undo: null });
}

async function scan() {
  const mine = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  stream = mine;
  video.srcObject = mine;
  video.hidden = false;
  scanButton.textContent = words.stop_scan;
  await video.play();
  const read = await makeReader();
  while (stream === mine) {
    if (video.readyState >= 2 && video.videoWidth) (await read()).forEach(take);
    await pause(EVERY_MS);
  }
}

function stop() {
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = null;
  video.hidden = true;
  scanButton.textContent = words.scan;
}

if (navigator.mediaDevices && navigator.mediaDevices.getUserMedia) {
  document.getElementById("camera").hidden = false;
  scanButton.addEventListener("click", () => {
    if (stream) {
      stop();
      return;
    }
    scan().catch(() => {
      stop();
      show({ tone: "bad", title: words.scan, detail: words.no_camera, choices: [], undo: null });
    });
  });
}
