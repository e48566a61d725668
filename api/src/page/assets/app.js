// What script adds: the page keeps itself up to date. Everything can be read and done without it.

const frame = document.querySelector('[data-head]');
const told = document.getElementById('live');

/** At most one look at the server in so many milliseconds. */
const PAUSE = 2000;

if (frame && told && 'EventSource' in window) {
  let known = frame.dataset.head;
  let source;
  let waiting;
  let last = 0;

  const say = (text, state) => {
    told.textContent = text;
    told.dataset.state = state;
  };

  const listen = () => {
    if (source || document.hidden) return;
    source = new EventSource('/live');
    source.addEventListener('open', () => {
      if (told.dataset.state !== 'new') say(told.dataset.on, 'on');
    });
    source.addEventListener('head', (event) => {
      const head = String(JSON.parse(event.data).head);
      if (head !== known) soon();
    });
    source.addEventListener('error', () => {
      // The browser connects again by itself, unless it was told that there is no session any more.
      if (source.readyState === EventSource.CLOSED) say(told.dataset.off, 'off');
    });
  };

  const soon = () => {
    waiting ??= setTimeout(refresh, Math.max(200, last + PAUSE - Date.now()));
  };

  const busy = (part) => {
    const focus = document.activeElement;
    return part.contains(focus) && /^(INPUT|TEXTAREA|SELECT)$/.test(focus.tagName);
  };

  const refresh = async () => {
    waiting = undefined;
    last = Date.now();
    let answer;
    try {
      answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    } catch {
      return; // Offline: the event stream connects again, and says what changed.
    }
    if (answer.redirected && new URL(answer.url).pathname === '/login') return location.reload();
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const head = next.querySelector('[data-head]')?.dataset.head;
    if (!head) return;
    let changed = false;
    for (const part of document.querySelectorAll('[data-live]')) {
      const fresh = next.getElementById(part.id);
      if (!fresh || fresh.innerHTML === part.innerHTML) continue;
      // Nothing is taken from under somebody's hands.
      if (busy(part)) continue;
      const had = new Set([...part.querySelectorAll('[data-key]')].map((row) => row.dataset.key));
      for (const row of fresh.querySelectorAll('[data-key]')) row.classList.toggle('new', !had.has(row.dataset.key));
      const opened = [...part.querySelectorAll('details[open][id]')].map((one) => one.id);
      part.replaceWith(document.adoptNode(fresh));
      for (const id of opened) document.getElementById(id)?.setAttribute('open', '');
      changed = true;
    }
    known = head;
    follow();
    if (changed) {
      const now = new Date().toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' });
      say(`${told.dataset.now} ${now}`, 'new');
    }
  };

  // An import changes no record while it is tried: it tells its progress by a stream of its own.
  const followed = new Map();
  const follow = () => {
    const wanted = document.hidden ? [] : [...document.querySelectorAll('[data-follow]')].map((one) => one.dataset.follow);
    for (const [path, stream] of followed) {
      if (wanted.includes(path)) continue;
      stream.close();
      followed.delete(path);
    }
    for (const path of wanted) {
      if (followed.has(path)) continue;
      const stream = new EventSource(path);
      stream.addEventListener('import', soon);
      followed.set(path, stream);
    }
  };

  const pause = () => {
    source?.close();
    source = undefined;
    for (const stream of followed.values()) stream.close();
    followed.clear();
  };

  // A simulation is asked for until it is done.
  setInterval(() => document.querySelector('[data-poll]') && !document.hidden && soon(), 1500);

  // A hidden page keeps no connection; what it missed is told by the first event after it.
  const resume = () => {
    listen();
    follow();
  };
  document.addEventListener('visibilitychange', () => (document.hidden ? pause() : resume()));
  window.addEventListener('pagehide', pause);
  window.addEventListener('pageshow', resume);
  resume();
}
