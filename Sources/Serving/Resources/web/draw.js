// What is drawn goes to /read as a picture, like any other, and what /read says is shown.
import { netpbm } from '/netpbm.js';
const canvas = document.getElementById('canvas'), pen = canvas.getContext('2d', { willReadFrequently: true });
const undo = document.getElementById('undo'), clear = document.getElementById('clear');
const answer = document.getElementById('answer'), bars = document.getElementById('bars');
const why = document.getElementById('why'), map = document.getElementById('map'), model = document.getElementById('model');
const spoken = document.getElementById('spoken');
const width = 18, step = 12;
let strokes = [], current = null, pointer = null, picture = null, cursor = { x: canvas.width / 2, y: canvas.height / 4, down: false };
// What was on the canvas before it was cleared or a picture was opened, for undo.
const past = [], mostPast = 20;
let asked = 0, timer = null, isAsking = false, isStale = false;

function redraw() {
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  if (picture) {
    const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
    const w = picture.width * scale, h = picture.height * scale;
    pen.drawImage(picture.image, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
  }
  pen.strokeStyle = pen.fillStyle = '#111';
  pen.lineWidth = width;
  pen.lineCap = pen.lineJoin = 'round';
  for (const stroke of current ? [...strokes, current] : strokes) {
    pen.beginPath();
    pen.moveTo(stroke[0].x, stroke[0].y);
    for (let i = 1; i < stroke.length; i++) {
      const a = stroke[i - 1], b = stroke[i];
      pen.quadraticCurveTo(a.x, a.y, (a.x + b.x) / 2, (a.y + b.y) / 2);
    }
    const last = stroke[stroke.length - 1];
    pen.lineTo(last.x + (stroke.length === 1 ? 0.1 : 0), last.y);
    pen.stroke();
  }
  undo.disabled = strokes.length === 0 && past.length === 0;
  clear.disabled = strokes.length === 0 && !picture;
}

// The canvas as a PGM, its colours as the service would read them, before the keyboard's pen is shown on it.
function pgm() {
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  const head = new TextEncoder().encode(`P5\n${canvas.width} ${canvas.height}\n255\n`);
  const bytes = new Uint8Array(head.length + canvas.width * canvas.height);
  bytes.set(head);
  for (let i = 0, at = head.length; at < bytes.length; i += 4, at++) {
    bytes[at] = Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]);
  }
  return bytes;
}

function show() {
  redraw();
  if (document.activeElement === canvas && (keyboard || cursor.down)) {
    // A square where it is down, a circle where it is not.
    const r = width / 2 + 4;
    pen.strokeStyle = cursor.down ? '#c62828' : '#1f5fa8';
    pen.lineWidth = 3;
    pen.beginPath();
    if (cursor.down) pen.rect(cursor.x - r, cursor.y - r, 2 * r, 2 * r); else pen.arc(cursor.x, cursor.y, r, 0, 2 * Math.PI);
    pen.stroke();
  }
}

function changed() {
  show();
  clearTimeout(timer);
  if (strokes.length === 0 && !current && !picture) {
    asked++;
    isStale = false;
    say('');
    return;
  }
  if (isAsking) isStale = true; else ask(false);
}

// One question at a time: while one is being answered, what is drawn meanwhile makes the next.
async function ask(explain) {
  const number = ++asked;
  isAsking = true;
  isStale = false;
  redraw();
  const body = picture && strokes.length === 0 ? picture.bytes : pgm();
  show();
  const query = new URLSearchParams({ segment: 'true', explain: String(explain) });
  if (model.value) query.set('model', model.value);
  try {
    const response = await fetch('/read?' + query, { method: 'POST', body });
    const result = await response.json();
    if (number === asked) present(result, response);
  } catch (error) {
    if (number === asked) say('The service does not answer: ' + error.message, 'answer failed');
  }
  isAsking = false;
  if (isStale) ask(false);
  else if (!explain && number === asked) timer = setTimeout(() => { if (!isAsking) ask(true); }, 600);
}

function say(text, className = 'answer') {
  answer.className = className;
  answer.textContent = text;
  answer.dataset.text = '';
  bars.replaceChildren();
  why.hidden = true;
}

const percent = (p) => (Math.floor(p * 10000) / 100).toFixed(2) + ' %';

function present(result, response) {
  const file = result.files?.[0];
  if (!file || file.error) return say(file?.error ?? result.error ?? `status ${response.status}`, 'answer failed');
  const characters = file.characters;
  if (characters.length === 0) return say('No ink that reads as a digit');
  answer.className = 'answer';
  const sure = file.lineProbabilities ? Math.min(...file.lineProbabilities) : Math.min(...characters.map((c) => c.probability));
  const text = file.text.join(' / ');
  const label = document.createElement('small');
  const unknown = characters.filter((c) => c.unknown).length;
  const told = unknown === 0 ? `${percent(sure)} sure`
    : characters.length === 1 ? `unknown: like no digit it has learned; nearest ${characters[0].class}`
    : `${unknown} of ${characters.length} unknown: like no digit it has learned`;
  label.textContent = told;
  if (answer.dataset.text !== text || answer.dataset.sure !== told) {
    answer.replaceChildren(text, label);
    answer.dataset.text = text;
    answer.dataset.sure = told;
  }
  // One digit: every class. Several: each digit and how sure it is.
  const rows = characters.length === 1
    ? Object.entries(characters[0].probabilities).sort((a, b) => a[0].localeCompare(b[0], undefined, { numeric: true }))
    : characters.map((c) => [c.class, c.probability]);
  bars.replaceChildren(...rows.map(([name, p]) => {
    const row = document.createElement('div'), head = document.createElement('b');
    const bar = document.createElement('progress'), value = document.createElement('span');
    row.className = 'bar';
    head.textContent = name;
    bar.max = 1;
    bar.value = p;
    bar.setAttribute('aria-label', `${name}: ${percent(p)}`);
    value.textContent = percent(p);
    row.append(head, bar, value);
    return row;
  }));
  if (file.explanation) {
    map.src = 'data:image/png;base64,' + file.explanation;
    map.alt = `What the network saw and where it looked when it read ${text}`;
    why.dataset.text = text;
    why.hidden = false;
  } else if (why.dataset.text !== text) why.hidden = true;  // It explains another answer.
}

// Pointer: finger, pen or mouse. One draws at a time; a pen goes before the hand that rests beside it.
let keyboard = false;
function point(event) {
  const box = canvas.getBoundingClientRect();
  return {
    x: (event.clientX - box.left - canvas.clientLeft) * canvas.width / canvas.clientWidth,
    y: (event.clientY - box.top - canvas.clientTop) * canvas.height / canvas.clientHeight,
  };
}
canvas.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  if (pointer !== null && pointer !== event.pointerId) {
    if (event.pointerType !== 'pen') return;
    current = null;
  }
  keyboard = false;
  lift();
  pointer = event.pointerId;
  canvas.setPointerCapture(event.pointerId);
  current = [point(event)];
  changed();
});
canvas.addEventListener('pointermove', (event) => {
  if (event.pointerId !== pointer) return;
  const events = event.getCoalescedEvents?.() ?? [];
  for (const e of events.length ? events : [event]) current.push(point(e));
  changed();
});
function lift() {
  if (current) strokes.push(current);
  current = pointer = null;
  if (!cursor.down) return;
  cursor.down = false;
  tell();
}
for (const name of ['pointerup', 'pointercancel', 'lostpointercapture']) {
  canvas.addEventListener(name, (event) => { if (event.pointerId === pointer) { lift(); changed(); } });
}

// Keyboard.
function undoLast() {
  lift();
  if (strokes.length) strokes.pop();
  else if (past.length) ({ strokes, picture } = past.pop());
  changed();
}
function replace(next) {
  past.push({ strokes, picture });
  if (past.length > mostPast) past.shift();
  strokes = [];
  picture = next;
  changed();
}
function clearAll() {
  lift();
  if (strokes.length === 0 && !picture) return;
  replace(null);
  spoken.textContent = 'Cleared; undo brings it back.';
}
// The pen in words, where it is set down or lifted, or comes to rest.
let rest = null;
function tell() {
  const [x, y] = [cursor.x / canvas.width, cursor.y / canvas.height].map((part) => Math.round(100 * part));
  spoken.textContent = `Pen ${cursor.down ? 'down' : 'up'}, ${x} % from the left, ${y} % from the top`;
}
canvas.addEventListener('keydown', (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const move = moves[event.key];
  if (move && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const far = event.shiftKey ? step * 3 : step;
    cursor.x = Math.min(Math.max(cursor.x + move[0] * far, width), canvas.width - width);
    cursor.y = Math.min(Math.max(cursor.y + move[1] * far, width), canvas.height - width);
    if (cursor.down) current.push({ x: cursor.x, y: cursor.y });
  } else if (event.key === ' ') {
    if (event.repeat) return event.preventDefault();
    if (cursor.down) lift();
    else { lift(); current = [{ x: cursor.x, y: cursor.y }]; cursor.down = true; }
  } else return;
  keyboard = true;
  clearTimeout(rest);
  if (move) rest = setTimeout(tell, 600); else tell();
  event.preventDefault();
  if (cursor.down || event.key === ' ') changed(); else show();
});
canvas.addEventListener('blur', () => { clearTimeout(rest); if (cursor.down) { lift(); changed(); } else redraw(); });
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z') { event.preventDefault(); undoLast(); }
  if (event.key === 'Escape') clearAll();
});
undo.addEventListener('click', undoLast);
clear.addEventListener('click', clearAll);

// A picture that was dropped, pasted or opened goes to the service as it is.
async function open(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let image;
  try {
    image = await createImageBitmap(netpbm(bytes) ?? file);
  } catch {
    // The browser cannot show it (a plain PGM, say); the service may read it all the same.
    image = document.createElement('canvas');
    image.width = image.height = 1;
  }
  lift();
  replace({ bytes, image, width: image.width, height: image.height });
}
document.getElementById('file').addEventListener('change', (event) => {
  if (event.target.files[0]) open(event.target.files[0]);
  event.target.value = '';
});
document.addEventListener('paste', (event) => {
  const file = [...event.clipboardData.files][0];
  if (file) { event.preventDefault(); open(file); }
});
document.addEventListener('dragover', (event) => { event.preventDefault(); canvas.classList.add('over'); });
document.addEventListener('dragleave', () => canvas.classList.remove('over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  canvas.classList.remove('over');
  if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
});

// Models to choose from, where there are several.
fetch('/api/models').then((response) => response.json()).then(({ models }) => {
  if (!(models?.length > 1)) return;
  model.replaceChildren(...models.map((name) => new Option(name, name)));
  model.addEventListener('change', changed);
  document.getElementById('models').hidden = false;
}).catch(() => {});
redraw();
