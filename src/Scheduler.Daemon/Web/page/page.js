'use strict';

const byId = id => document.getElementById(id);
const numbers = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
const gpus = milli => numbers.format(milli / 1000);
const colourCount = 8;
const query = { after: 0, tenant: '', search: '', count: 100 };
let state = null;
let selected = null;
let asking = null;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds % 86400 / 3600)} h`;
}

const plural = (count, one, many) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

// Leaves have the colours; more tenants than colours share them, and their names are always told beside.
function colourOf(index) {
  if (index < 0) return 'var(--c7)';
  const leaves = state.tenants.filter(tenant => tenant.isLeaf);
  const place = leaves.indexOf(state.tenants[index]);
  return `var(--c${(place < 0 ? index : place) % colourCount})`;
}

function show() {
  const { capacity, queue } = state;
  const follower = state.applied ? '' : `, stands by${state.leader ? ` for ${state.leader}` : ''}`;
  say(`cycle ${state.number.toLocaleString('en')} at ${time(state.asOf)}, took ${numbers.format(Math.round(state.cycleMs * 10) / 10)} ms${follower}`);
  byId('used').textContent = `${gpus(capacity.used)}`;
  byId('healthy').textContent = `${gpus(capacity.healthy)} of ${gpus(capacity.installed)}`;
  byId('quarantined').textContent = capacity.quarantined.toLocaleString('en');
  byId('waiting').textContent = queue.total.toLocaleString('en');
  showTenants();
  showQueue();
  showNodes();
  showDecisions();
}

const time = text => new Date(text).toLocaleTimeString([], { hour12: false });

function say(text, isLost = false) {
  const status = byId('status');
  status.className = isLost ? 'lost' : '';
  // A reader is told of losing and finding the scheduler, not of every cycle.
  status.setAttribute('aria-live', isLost ? 'polite' : 'off');
  status.textContent = text;
}

function showTenants() {
  const list = byId('tenants');
  const most = Math.max(1, ...state.tenants.map(tenant => Math.max(tenant.limit ?? 0, tenant.guaranteed, tenant.usedGuaranteed + tenant.usedBurst)));
  const part = milli => `${100 * milli / most}%`;
  state.tenants.forEach((tenant, index) => {
    let item = list.children[index];
    if (!item) {
      item = element('li');
      item.append(element('span', '', 'name'), element('div', '', 'bar'), element('span', '', 'facts'));
      item.children[1].setAttribute('aria-hidden', 'true');
      item.children[1].append(element('i', '', 'track'), element('i', '', 'solid'), element('i', '', 'hatched'), element('i', '', 'line'));
      list.append(item);
    }
    const [name, bar, facts] = item.children;
    name.textContent = tenant.name + (tenant.suspended ? ' (suspended)' : '');
    name.style.paddingLeft = `${tenant.depth}rem`;
    bar.style.setProperty('--c', tenant.isLeaf ? colourOf(index) : 'var(--c7)');
    const [track, solid, hatched, line] = bar.children;
    track.style.width = part(tenant.limit ?? most);
    solid.style.width = part(tenant.usedGuaranteed);
    hatched.style.left = part(tenant.usedGuaranteed);
    hatched.style.width = part(tenant.usedBurst);
    hatched.hidden = tenant.usedBurst === 0;
    line.style.left = `calc(${part(tenant.guaranteed)} - 2px)`;
    facts.textContent = `uses ${gpus(tenant.usedGuaranteed + tenant.usedBurst)}`
      + (tenant.usedBurst > 0 ? `, ${gpus(tenant.usedBurst)} of them borrowed` : '')
      + `; guaranteed ${gpus(tenant.guaranteed)}`
      + (tenant.limit === undefined ? ', no limit' : `, limit ${gpus(tenant.limit)}`)
      + (tenant.entitlement === undefined ? '' : `, fair share now ${gpus(tenant.entitlement)}`)
      + (tenant.waiting > 0 ? `; ${plural(tenant.waiting, 'workload waits', 'workloads wait')} for ${gpus(tenant.pending)}` : '');
  });
  while (list.children.length > state.tenants.length) list.lastChild.remove();

  const choice = byId('filter-tenant');
  const names = state.tenants.filter(tenant => tenant.isLeaf).map(tenant => tenant.name);
  if (names.join('\n') !== [...choice.options].slice(1).map(option => option.value).join('\n')) {
    const before = choice.value;
    choice.replaceChildren(new Option('all', ''), ...names.map(name => new Option(name, name)));
    choice.value = names.includes(before) ? before : '';
  }
}

function showQueue() {
  const { entries, matching, total } = state.queue;
  const now = new Date(state.asOf);
  byId('queue-count').textContent = total === 0 ? 'Nothing waits.'
    : matching === total ? `${plural(total, 'workload waits', 'workloads wait')}${entries.length < total ? `; the first ${entries.length} are shown` : ''}.`
    : `${matching.toLocaleString('en')} of ${plural(total, 'waiting workload', 'waiting workloads')}${entries.length < matching ? `; the first ${entries.length} are shown` : ''}.`;
  const cell = (label, text, className) => {
    const made = element('td', text, className);
    if (label) made.dataset.label = label;
    return made;
  };
  byId('entries').replaceChildren(...entries.map(entry => {
    const row = element('tr');
    const name = cell('', entry.name);
    name.append(element('span', entry.namespace + (entry.pods > 1 ? `, ${entry.pods} pods` : ''), 'where'));
    const why = cell('');
    why.append(element('span', entry.reason, 'reason'), `: ${entry.message}`);
    row.append(
      cell('Place', `${entry.place.toLocaleString('en')}`), name, cell('Tenant', `${entry.tenant} (${entry.placeInTenant})`),
      cell('GPUs', gpus(entry.milliGpu), 'number'), cell('Waits', duration((now - new Date(entry.since)) / 1000), 'number'), why);
    return row;
  }));
  byId('more').hidden = entries.length >= matching || query.count >= 1000;

  const unqueued = byId('unqueued');
  unqueued.hidden = state.unqueuedTotal === 0;
  unqueued.firstElementChild.textContent = `${plural(state.unqueuedTotal, 'pod', 'pods')} cannot be queued`;
  unqueued.lastElementChild.replaceChildren(...state.unqueued.map(pod => element('li', `${pod.namespace}/${pod.name}: ${pod.message}`)));
}

const colouring = () => document.querySelector('input[name=colour]:checked').value;

function colour(device, by) {
  const used = device.u.reduce((sum, [, milli]) => sum + milli, 0);
  if (by === 'health') return device.q ? 'var(--warn)' : 'var(--c2)';
  if (device.q) return 'var(--warn)';
  if (by === 'use') return used === 0 ? 'var(--free)' : device.i ? 'var(--c4)' : used < device.c ? 'color-mix(in srgb, var(--c0) 55%, var(--free))' : 'var(--c0)';
  if (used === 0) return 'var(--free)';
  return colourOf(device.u.reduce((most, use) => use[1] > most[1] ? use : most)[0]);
}

const parts = node => node.m ? [...node.d, node.m] : node.d;

function describe(node) {
  const devices = parts(node);
  const used = new Map();
  devices.forEach(device => device.u.forEach(([tenant, milli]) => used.set(tenant, (used.get(tenant) ?? 0) + milli)));
  const all = devices.reduce((sum, device) => sum + device.c, 0);
  const sum = [...used.values()].reduce((total, milli) => total + milli, 0);
  const by = [...used].map(([tenant, milli]) => `${tenant < 0 ? 'no tenant' : state.tenants[tenant].name} ${gpus(milli)}`).join(', ');
  const sick = node.d.flatMap((device, index) => device.q ? [index] : []);
  const idle = devices.filter(device => device.i && device.u.length > 0).length;
  return `${node.n}: ${node.f}, ${gpus(sum)} of ${gpus(all)} GPUs in use${by ? ` (${by})` : ''}`
    + (node.m ? ', MIG' : '')
    + (sick.length > 0 ? `; out of service: GPU ${sick.join(', ')}` : '')
    + (idle > 0 ? `; ${idle} in use but seen idle` : '')
    + (node.ok ? '' : '; takes no new pods');
}

function showNodes() {
  const list = byId('nodes');
  const by = colouring();
  state.nodes.forEach((node, index) => {
    let box = list.children[index];
    if (!box) {
      box = element('div');
      box.setAttribute('role', 'option');
      box.id = `node-${index}`;
      list.append(box);
    }
    const devices = parts(node);
    const stops = devices.map((device, place) => `${colour(device, by)} ${100 * place / devices.length}% calc(${100 * (place + 1) / devices.length}% - 1px), `
      + `var(--card) calc(${100 * (place + 1) / devices.length}% - 1px) ${100 * (place + 1) / devices.length}%`);
    const look = `linear-gradient(90deg, ${stops.join(', ')})`;
    if (box.dataset.look !== look) {
      box.dataset.look = look;
      box.style.background = look;
      box.style.width = `${10 * devices.length + 2}px`;
    }
    const text = describe(node);
    if (box.title !== text) {
      box.title = text;
      box.setAttribute('aria-label', text);
    }
    box.classList.toggle('off', !node.ok);
    box.setAttribute('aria-selected', String(node.n === selected));
    box.tabIndex = -1;
  });
  while (list.children.length > state.nodes.length) list.lastChild.remove();
  const index = Math.max(0, state.nodes.findIndex(node => node.n === selected));
  if (list.children[index]) list.children[index].tabIndex = 0;
  byId('node').textContent = selected === null ? '' : state.nodes[index] ? describe(state.nodes[index]) : '';
  showColours(by);
}

function showColours(by) {
  const keys = by === 'health' ? [['var(--c2)', 'healthy'], ['var(--warn)', 'out of service']]
    : by === 'use' ? [['var(--c0)', 'in use'], ['color-mix(in srgb, var(--c0) 55%, var(--free))', 'in part'], ['var(--c4)', 'in use, seen idle'], ['var(--free)', 'free'], ['var(--warn)', 'out of service']]
    : [...state.tenants.flatMap((tenant, index) => tenant.isLeaf ? [[colourOf(index), tenant.name]] : []), ['var(--free)', 'free'], ['var(--warn)', 'out of service']];
  const wanted = keys.map(key => key.join(' ')).join('\n');
  const list = byId('colours');
  if (list.dataset.keys === wanted) return;
  list.dataset.keys = wanted;
  list.replaceChildren(...keys.map(([shade, text]) => {
    const item = element('li');
    const key = element('span', '', 'key');
    key.style.background = shade;
    item.append(key, text);
    return item;
  }));
}

function select(index) {
  const node = state.nodes[index];
  if (!node) return;
  selected = node.n;
  showNodes();
  byId('nodes').children[index].focus();
}

function showDecisions() {
  byId('decisions').replaceChildren(...(state.decisions.length === 0 ? [element('li', 'None yet.')] : state.decisions.map(decision => {
    const item = element('li', '', decision.kind);
    const moment = element('time', time(decision.at));
    moment.dateTime = decision.at;
    item.append(moment, decision.text);
    return item;
  })));
}

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

async function ask() {
  const controller = new AbortController();
  asking = controller;
  const parameters = new URLSearchParams({ after: query.after, count: query.count, tenant: query.tenant, search: query.search });
  const answer = await fetch(`state?${parameters}`, { signal: controller.signal, cache: 'no-store' });
  if (!answer.ok) throw new Error((await answer.text()) || `the scheduler answers ${answer.status}`);
  return answer.json();
}

// One request at a time: it is answered when there is a newer cycle. At most one picture a second is drawn.
async function follow() {
  for (;;) {
    try {
      state = await ask();
      query.after = state.number;
      show();
      await pause(document.hidden ? 10000 : 1000);
    } catch (error) {
      if (error.name === 'AbortError') continue;
      say(`${error instanceof TypeError ? 'the scheduler does not answer' : error.message}; what is shown may be old`, true);
      query.after = 0;
      await pause(3000);
    }
  }
}

function again() {
  query.after = 0;
  asking?.abort();
}

byId('filter').addEventListener('submit', event => event.preventDefault());
byId('filter-tenant').addEventListener('change', event => { query.tenant = event.target.value; query.count = 100; again(); });
let typing = 0;
byId('filter-search').addEventListener('input', event => {
  clearTimeout(typing);
  typing = setTimeout(() => { query.search = event.target.value.trim(); query.count = 100; again(); }, 250);
});
byId('more').addEventListener('click', () => { query.count = Math.min(1000, query.count * 3); again(); });
document.querySelectorAll('input[name=colour]').forEach(input => input.addEventListener('change', () => state && showNodes()));
byId('nodes').addEventListener('click', event => {
  const box = event.target.closest('[role=option]');
  if (box) select([...box.parentNode.children].indexOf(box));
});
byId('nodes').addEventListener('keydown', event => {
  const index = [...event.currentTarget.children].indexOf(document.activeElement);
  const row = () => {
    const boxes = [...event.currentTarget.children];
    return boxes.findIndex(box => box.offsetTop > boxes[0].offsetTop);
  };
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: Math.max(1, row()), ArrowUp: -Math.max(1, row()) }[event.key];
  const target = event.key === 'Home' ? 0 : event.key === 'End' ? state.nodes.length - 1 : step === undefined ? -1 : index + step;
  if (index < 0 || target < 0 || target >= state.nodes.length) return;
  event.preventDefault();
  select(target);
});

follow();
