// The list of runs, and the curves of those chosen, live while they train.
const list = document.querySelector('#list tbody'), charts = document.getElementById('charts');
const cards = document.getElementById('cards'), status = document.getElementById('status');
const palette = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#17becf', '#8c564b', '#e377c2'];
const figures = ['learning_curves.svg', 'confusion_matrix.svg', 'precision_recall.svg', 'roc.svg', 'calibration.svg', 'mistakes.svg',
  'class_scores.svg', 'augmentation.svg', 'filters.svg', 'embedding.svg', 'composed.svg', 'acceptance.svg'];
// Those that a run writes anew while it trains.
const growing = ['learning_curves.svg', 'filters.svg'];
// A browser opens about six connections to a host: so many runs are followed as they go, the others are read now and then.
const mostStreams = 4, interval = 5000;
let runs = [], canStop = false, isListed = false, trouble = '', said = '';
const shown = new Map();
const percent = (value, digits = 2) => (100 * value).toFixed(digits) + ' %';

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}

const shownRuns = () => runs.filter((r) => shown.has(r.name));

// What the service answers; what it says instead is an error.
async function ask(path, options) {
  const response = await fetch(path, { signal: AbortSignal.timeout(40000), ...options });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  throw new Error((error ?? `status ${response.status}`) + (response.status === 401 ? '; load this page again to give it' : ''));
}

// Said once, so that it is not read aloud again and again.
function say() {
  const error = trouble || [...shown.values()].map((state) => state.trouble).find(Boolean);
  const text = error || (shown.size ? 'Solid: validation. Dashed: training.' : 'Choose one run, or several to see them side by side.');
  if (text !== said) tell(text, Boolean(error));
}

function tell(text, isError = false) {
  status.textContent = said = text;
  status.classList.toggle('failed', isError);
}

async function refresh() {
  if (document.hidden) return;
  try {
    ({ runs, canStop } = await (await ask('/api/runs')).json());
    trouble = '';
  } catch (error) {
    trouble = `The list of runs cannot be read: ${error.message}. Trying again.`;
    return say();
  }
  if (!isListed) begin();
  say();
  document.getElementById('empty').hidden = runs.length > 0;
  const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
  list.replaceChildren(...runs.map((run) => {
    const box = element('input', { type: 'checkbox', value: run.name, checked: shown.has(run.name) });
    box.setAttribute('aria-label', `Show ${run.name}`);
    box.addEventListener('change', () => (box.checked ? choose(run.name) : drop(run.name)));
    return element('tr', {}, element('td', {}, box), element('td', { className: 'name', textContent: run.name }),
      element('td', { textContent: run.state }),
      element('td', { className: 'number', textContent: run.accuracy == null ? '' : percent(run.accuracy) }));
  }));
  if (focused !== null) list.querySelector(`input[value="${CSS.escape(focused)}"]`)?.focus();
  for (const name of shown.keys()) card(name);
  // A run that was resumed goes on.
  for (const run of shownRuns()) if (run.state === 'running' || !shown.get(run.name)?.isWhole) await follow(run.name);
}

function choose(name) {
  const colour = palette.find((c) => ![...shown.values()].some((s) => s.colour === c)) ?? palette[shown.size % palette.length];
  const state = { colour, epochs: [], step: null, began: null, source: null, isWhole: false, trouble: '' };
  shown.set(name, state);
  follow(name);
  draw();
  card(name);
  remember();
}

const isOpen = (state) => state.source !== null && state.source.readyState !== EventSource.CLOSED;

// The events of a run from its first: as they come, or, where that would take too many connections, those in its file.
async function follow(name) {
  const state = shown.get(name), run = runs.find((r) => r.name === name);
  if (!state || !run || isOpen(state)) return;
  if ([...shown.values()].filter(isOpen).length >= mostStreams) return read(run, state);
  state.isWhole = false;
  state.trouble = '';
  const source = state.source = new EventSource(`/api/runs/${encodeURIComponent(name)}/events`);
  for (const kind of ['began', 'epoch', 'step']) {
    source.addEventListener(kind, (e) => {
      take(state, kind, JSON.parse(e.data));
      if (kind === 'step') card(name); else draw();
    });
  }
  source.addEventListener('state', () => { source.close(); state.isWhole = true; refresh(); });
}

async function read(run, state) {
  if (!run.files.includes('events.jsonl')) return;
  try {
    const text = await (await ask(`/runs/${encodeURIComponent(run.name)}/events.jsonl`)).text();
    if (isOpen(state)) return;
    state.epochs = [];
    // The last line may not be complete yet.
    for (const line of text.split('\n').slice(0, -1)) {
      const event = JSON.parse(line);
      take(state, event.event, event);
    }
    state.isWhole = run.state !== 'running';
    state.trouble = '';
  } catch (error) {
    state.trouble = `${run.name} cannot be read: ${error.message}. Trying again.`;
  }
  draw();
}

// An epoch that was trained again replaces those from it on.
function take(state, kind, event) {
  if (kind === 'epoch') state.epochs = [...state.epochs.filter((other) => other.epoch < event.epoch), event];
  else if (kind === 'began' || kind === 'step') state[kind] = event;
}

function drop(name) {
  shown.get(name)?.source?.close();
  shown.delete(name);
  document.getElementById('card-' + name)?.remove();
  draw();
  remember();
}

// What is shown stands in the address, so that a link shows it again.
function remember() {
  const query = new URLSearchParams();
  for (const name of shown.keys()) query.append('run', name);
  history.replaceState(null, '', shown.size ? '?' + query : location.pathname);
}

function card(name) {
  const run = runs.find((r) => r.name === name), state = shown.get(name);
  if (!run || !state) return;
  const id = 'card-' + name;
  let node = document.getElementById(id);
  if (!node) { node = element('article', { className: 'card', id }); cards.append(node); }
  const key = element('span', { className: 'key' });
  key.style.background = state.colour;
  const last = state.epochs.at(-1), step = state.step, began = state.began;
  let text = run.state;
  if (run.state === 'running' && step && began) {
    text += `, epoch ${step.epoch} of ${began.epochs}, step ${step.step} · training loss ${step.loss?.toFixed(4) ?? ''}`;
  } else if (last) text += ` after ${last.epoch} epochs`;
  if (last?.validationAccuracy != null) text += ` · validation ${percent(last.validationAccuracy)}`;
  if (run.accuracy != null) text += ` · test ${percent(run.accuracy)}`;
  if (run.dataset) text += ` · ${run.dataset}`;
  const path = (file) => `/runs/${encodeURIComponent(name)}/${file}`;
  const links = element('p', { className: 'links' }, ...['report.html', 'metrics.json', 'history.csv', 'config.json'].filter((f) => run.files.includes(f))
    .map((file) => element('a', { href: path(file), target: '_blank', textContent: file === 'report.html' ? 'Report' : file })));
  if (run.state === 'running' && canStop) {
    const stop = element('button', { type: 'button', textContent: 'Stop, with a checkpoint' });
    stop.addEventListener('click', async () => {
      if (!confirm(`Stop ${name}? It writes a checkpoint, and trainer --resume goes on with it.`)) return;
      try {
        await ask(`/api/runs/${encodeURIComponent(name)}/stop`, { method: 'POST' });
        tell(`${name} is stopping.`);
      } catch (error) {
        tell(error.message, true);
      }
      setTimeout(refresh, 1500);
    });
    links.append(stop);
  }
  const pictures = figures.filter((f) => run.files.includes(f));
  const signature = JSON.stringify([run.state, pictures]);
  const head = [element('h2', {}, key, name), element('p', { className: 'note', textContent: text })];
  const epoch = last?.epoch ?? 0;
  const source = (file) => path(file) + (growing.includes(file) ? `?epoch=${epoch}&${run.state}` : '');
  if (node.dataset.signature === signature) {
    node.children[1].textContent = text;
    if (run.state === 'running' && epoch !== Number(node.dataset.epoch)) {
      for (const image of node.querySelectorAll('img')) if (growing.includes(image.dataset.file)) image.src = source(image.dataset.file);
    }
    node.dataset.epoch = epoch;
    return;
  }
  Object.assign(node.dataset, { signature, epoch });
  node.replaceChildren(...head, links, element('div', { className: 'pictures' }, ...pictures.map((file) =>
    element('a', { href: path(file), target: '_blank' }, picture(file, source(file), name)))));
}

function picture(file, src, name) {
  const image = element('img', { src, alt: `${file.replace('.svg', '').replaceAll('_', ' ')} of ${name}`, loading: 'lazy' });
  image.dataset.file = file;
  return image;
}

const svg = 'http://www.w3.org/2000/svg';
function part(name, attributes, text) {
  const node = document.createElementNS(svg, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text != null) node.textContent = text;
  return node;
}

function chart(title, training, validation, format) {
  // As wide as it is shown, so that its words can be read on a phone.
  const [w, h, left, right, top, bottom] = [Math.min(640, Math.max(280, charts.clientWidth - 30)), 240, 58, 12, 8, 28];
  const series = [...shown].flatMap(([name, s]) => [[training, true], [validation, false]].map(([key, dashed]) => ({
    name, colour: s.colour, dashed, points: s.epochs.filter((e) => e[key] != null).map((e) => [e.epoch, e[key]]) })));
  const points = series.flatMap((s) => s.points);
  const box = element('div', { className: 'chart' }, element('h2', { textContent: title }));
  if (points.length === 0) { box.append(element('p', { className: 'note', textContent: shownRuns().some((r) => r.state === 'running') ? 'No epoch has ended yet.' : 'No epochs: this run only evaluated, or ended before its first.' })); return box; }
  const most = Math.max(2, ...points.map((p) => p[0]));
  let [low, high] = [Math.min(...points.map((p) => p[1])), Math.max(...points.map((p) => p[1]))];
  if (high - low < 1e-9) [low, high] = [low - 0.01, high + 0.01];
  const x = (e) => left + (e - 1) / (most - 1) * (w - left - right), y = (v) => top + (high - v) / (high - low) * (h - top - bottom);
  const root = part('svg', { viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label': `${title} by epoch of ${[...shown.keys()].join(', ')}` });
  for (let i = 0; i <= 4; i++) {
    const value = low + (high - low) * i / 4;
    root.append(part('line', { class: 'grid', x1: left, x2: w - right, y1: y(value), y2: y(value) }));
    root.append(part('text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, format(value)));
  }
  const ticks = Math.min(most, 8);
  for (const tick of new Set(Array.from({ length: ticks }, (_, i) => Math.round(1 + i * (most - 1) / Math.max(1, ticks - 1))))) {
    root.append(part('text', { x: x(tick), y: h - 8, 'text-anchor': 'middle' }, tick));
  }
  for (const s of series) {
    if (s.points.length === 0) continue;
    const d = s.points.map(([e, v], i) => `${i ? 'L' : 'M'}${x(e).toFixed(1)} ${y(v).toFixed(1)}`).join('');
    root.append(part('path', { d, fill: 'none', stroke: s.colour, 'stroke-width': 2, ...(s.dashed ? { 'stroke-dasharray': '5 4' } : {}) }));
    const [e, v] = s.points.at(-1);
    root.append(part('circle', { cx: x(e), cy: y(v), r: 3, fill: s.colour }));
  }
  box.append(root);
  return box;
}

function draw() {
  say();
  charts.replaceChildren(...(shown.size ? [
    chart('Loss', 'trainingLoss', 'validationLoss', (v) => v.toFixed(3)),
    chart('Accuracy', 'trainingAccuracy', 'validationAccuracy', (v) => percent(v, 1)),
  ] : []));
  for (const name of shown.keys()) card(name);
}

// The first runs to show: those that the address names, or those that run, or the newest.
function begin() {
  isListed = true;
  const wanted = new URLSearchParams(location.search).getAll('run').filter((name) => runs.some((r) => r.name === name));
  const running = runs.filter((r) => r.state === 'running').map((r) => r.name);
  for (const name of wanted.length ? wanted : running.length ? running : runs.slice(0, 1).map((r) => r.name)) choose(name);
}

// A page in the background leaves the connections to those in sight.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) for (const state of shown.values()) state.source?.close();
  else refresh();
});

addEventListener('resize', draw);

async function watch() {
  await refresh();
  setTimeout(watch, interval);
}
watch();
