// The page: keeps a copy of the workspace, shows the chosen channel, and sends what a person types
// or presses. Changes are told by Server-Sent Events; what changed is then fetched.

import { el, icon } from "./dom.js";
import { clockTime, dayName, dayOf, shortDay } from "./dates.js";
import { messageNode } from "./messages.js";
import { plainText } from "./mrkdwn.js";

const $ = (id) => document.getElementById(id);
const NOTIFICATIONS_MOST = 12;
const TRY = ["help", "list", "incidents", "health"];

const state = { version: 0, channels: new Map(), people: [], groups: [], command: "/dumptask", app: {} };
const here = { channelId: null, viewerId: null, open: new Set(), read: new Map(), drawn: new Map(), rung: new Set() };
let fetching = false;
let wanted = 0;

async function refresh() {
  if (fetching) return;
  fetching = true;
  try {
    do {
      const response = await fetch(`/_demo/state?view=page&since=${state.version}`);
      if (!response.ok) return;
      take(await response.json());
    } while (wanted > state.version);
  } catch {
    live(false);
  } finally {
    fetching = false;
  }
}

function take(told) {
  const first = state.version === 0;
  Object.assign(state, { version: told.version, people: told.people, groups: told.user_groups, command: told.command, app: told.app, ready: told.ready });
  for (const channel of told.channels) state.channels.set(channel.id, channel);
  $("team-name").textContent = told.team.name;
  here.viewerId ??= told.people[0]?.id ?? null;
  if (first) { fillViewers(); fillChips(); followHash(); tick(); }
  for (const channel of state.channels.values()) if (!here.read.has(channel.id)) here.read.set(channel.id, first ? "" : "0");
  draw(first);
}

const viewer = () => state.people.find((person) => person.id === here.viewerId);
const zone = () => viewer()?.tz ?? "UTC";
const channel = () => state.channels.get(here.channelId);

function context() {
  return {
    zone: zone(),
    personName: (id) => state.people.find((p) => p.id === id)?.name ?? (id === state.app.user_id ? state.app.name : undefined),
    groupHandle: (id) => state.groups.find((g) => g.id === id)?.handle,
    channelName: (id) => state.channels.get(id)?.name,
  };
}

function draw(first) {
  if (!channel()) here.channelId = state.channels.keys().next().value ?? null;
  if (!channel()) return;
  drawMessages();
  markRead();
  drawSidebar();
  drawNotifications(first);
  $("channel-name").replaceChildren(el("span", { "aria-hidden": "true" }, channel().is_private ? icon("lock") : "#", " "), channel().name);
  $("channel-topic").textContent = channel().topic;
  $("composer-text").placeholder = state.ready ? `${state.command} list` : "The app is not listening yet…";
}

// -- messages ------------------------------------------------------------------------------------

function timeline(shown) {
  return shown.messages.filter((m) => (!m.ephemeral_for || m.ephemeral_for === here.viewerId) && (!isReply(m) || m.broadcast || m.ephemeral_for));
}

function isReply(message) {
  return message.thread_ts !== null && message.thread_ts !== message.ts;
}

function view(shown) {
  return {
    channelId: shown.id,
    context: context(),
    root: (ts) => shown.messages.find((m) => m.ts === ts),
    replies: (ts) => shown.messages.filter((m) => m.thread_ts === ts && m.ts !== ts && !m.ephemeral_for),
    isOpen: (ts) => here.open.has(ts),
    toggle: (ts) => { here.open.has(ts) ? here.open.delete(ts) : here.open.add(ts); drawMessages(); },
    press,
  };
}

function drawMessages() {
  const shown = channel();
  const box = $("scroll");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const focused = document.activeElement?.dataset?.key;
  const seen = view(shown);
  const nodes = [];
  let day = null;
  for (const message of timeline(shown)) {
    if (dayOf(message.ts, zone()) !== day) {
      day = dayOf(message.ts, zone());
      nodes.push(keyed(`day-${day}`, day + zone(), () => el("div", { class: "day" }, el("span", {}, dayName(message.ts, zone())))));
    }
    nodes.push(keyed(message.ts, signature(message, seen), (before) => changedNode(message, seen, before)));
  }
  if (!nodes.length) nodes.push(keyed("empty", shown.id, () => el("p", { class: "empty" }, "Nothing has been said here yet.")));
  place($("messages"), nodes);
  if (focused) $("messages").querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function signature(message, seen) {
  const replies = seen.replies(message.ts);
  const root = message.broadcast ? seen.root(message.thread_ts)?.text : "";
  return JSON.stringify([message, zone(), seen.isOpen(message.ts), replies, root]);
}

// An element is made anew only when what it shows changed, so that focus and selection stay.
function keyed(key, sign, make) {
  const before = here.drawn.get(key);
  if (before && before.sign === sign) return before.node;
  const node = make(before);
  here.drawn.set(key, { sign, node });
  return node;
}

function changedNode(message, seen, before) {
  const node = messageNode(message, seen);
  if (before) node.classList.toggle("changed", before.node.dataset.edits !== String(message.edits));
  else if (state.version > 0 && here.settled) node.classList.add("arrived");
  node.dataset.edits = message.edits;
  return node;
}

function place(parent, nodes) {
  nodes.forEach((node, index) => { if (parent.childNodes[index] !== node) parent.insertBefore(node, parent.childNodes[index] ?? null); });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}

// -- sidebar -------------------------------------------------------------------------------------

function markRead() {
  const shown = channel();
  if (!document.hidden) here.read.set(shown.id, shown.messages.at(-1)?.ts ?? "");
}

function unread(shown) {
  const read = here.read.get(shown.id) ?? "";
  return timeline(shown).filter((m) => Number(m.ts) > Number(read || 0)).length;
}

function drawSidebar() {
  let total = 0;
  const items = [...state.channels.values()].map((shown) => {
    const count = unread(shown);
    total += count;
    const current = shown.id === here.channelId;
    const words = count ? `, ${count} unread` : "";
    return el("li", {}, el("a", {
      href: `#${shown.id}`, class: count ? "unread" : null, "aria-current": current ? "page" : null,
      "aria-label": `${shown.name}${words}${shown.is_archived ? ", archived" : ""}`,
    }, el("span", { class: "sign", "aria-hidden": "true" }, shown.is_private ? icon("lock") : "#"),
    el("span", { class: "name" }, shown.name),
    shown.is_archived ? el("span", { class: "tag" }, "archived") : null,
    count ? el("span", { class: "count", "aria-hidden": "true" }, count) : null));
  });
  const focused = document.activeElement?.closest?.("#channels a")?.getAttribute("href");
  $("channels").replaceChildren(...items);
  if (focused) $("channels").querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  document.title = `${total ? `(${total}) ` : ""}#${channel().name} · Simulated Slack`;
}

function fillViewers() {
  $("viewer").replaceChildren(...state.people.map((person) =>
    el("option", { value: person.id }, `${person.real_name} · ${person.tz}`)));
  $("viewer").value = here.viewerId;
}

// -- notifications -------------------------------------------------------------------------------

function drawNotifications(first) {
  const rings = [...state.channels.values()].flatMap((shown) => shown.rings).sort((a, b) => Number(b.ts) - Number(a.ts));
  const count = [...state.channels.values()].reduce((sum, shown) => sum + shown.ring_count, 0);
  $("ring-count").textContent = count === 0 ? "No notifications yet" : `Rang ${count === 1 ? "once" : `${count} times`}`;
  $("notifications").replaceChildren(...rings.slice(0, NOTIFICATIONS_MOST).map((ring) => notification(ring, first)));
  rings.forEach((ring) => here.rung.add(ring.ts));
}

function notification(ring, first) {
  const shown = state.channels.get(ring.channel);
  const text = plainText(ring.text, context()) || "(no notification text)";
  const fresh = !first && !here.rung.has(ring.ts);
  if (fresh) announce(`${shown.name}: ${text}`);
  return el("li", { class: fresh ? "fresh" : null }, el("a", { href: `#${ring.channel}/p${ring.ts.replace(".", "")}` },
    el("span", { class: "n-head" }, el("img", { src: "/static/logo.svg", alt: "", width: 18, height: 18 }),
      el("span", { class: "n-app" }, `${state.app.name} · #${shown.name}`), el("time", {}, clockTime(ring.ts, zone()))),
    el("span", { class: "n-text" }, text),
    ring.mentions.length || ring.kind !== "root" ? el("span", { class: "n-why" }, why(ring)) : null));
}

function why(ring) {
  const names = ring.mentions.map((id) => `@${context().personName(id) ?? context().groupHandle(id) ?? id}`);
  const kinds = { root: [], broadcast: ["thread, sent to channel"], mention: ["in a thread"] };
  return [...names, ...kinds[ring.kind]].join(" · ");
}

function announce(text) {
  $("announce").replaceChildren(el("p", {}, text));
}

function tick() {
  $("lock-time").textContent = clockTime(Date.now() / 1000, zone());
  $("lock-date").textContent = shortDay(new Date(), zone());
}

// -- doing ---------------------------------------------------------------------------------------

async function send(address, fields) {
  hint("");
  try {
    const response = await fetch(address, { method: "POST", body: JSON.stringify(fields), headers: { "Content-Type": "application/json" } });
    const told = await response.json();
    if (!told.ok) hint(told.error);
    return told.ok;
  } catch {
    hint("The simulator does not answer.");
    return false;
  }
}

function hint(text) {
  $("hint").textContent = text;
}

function press(message, actionId, value) {
  return send("/_demo/click", { channel: here.channelId, ts: message.ts, action_id: actionId, user: here.viewerId, value });
}

const typed = [];
let recalled = 0;

async function type(text) {
  const line = text.trim();
  if (!line) return;
  typed.push(line);
  recalled = typed.length;
  if (!line.startsWith("/")) {
    hint(`Only commands are simulated: try ${state.command} ${line}`);
    return;
  }
  $("composer-text").value = "";
  $("composer").classList.add("busy");
  $("scroll").scrollTop = $("scroll").scrollHeight;
  const sent = await send("/_demo/command", { text: line, channel: here.channelId, user: here.viewerId });
  $("composer").classList.remove("busy");
  if (!sent && !$("composer-text").value) $("composer-text").value = line;
}

function recall(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || !typed.length) return;
  event.preventDefault();
  recalled = Math.min(typed.length, Math.max(0, recalled + step));
  $("composer-text").value = typed[recalled] ?? "";
}

function fillChips() {
  $("chips").replaceChildren(...TRY.map((word) =>
    el("button", { type: "button", class: "chip", on: { click: () => type(`${state.command} ${word}`) } }, `${state.command} ${word}`)));
}

function followHash() {
  const [channelId, anchor] = decodeURIComponent(location.hash.slice(1)).split("/");
  if (!state.channels.has(channelId)) return;
  if (channelId !== here.channelId) { here.channelId = channelId; here.drawn.clear(); $("messages").replaceChildren(); }
  openThreadOf(anchor);
  draw(false);
  if (anchor) show(anchor);
  else $("scroll").scrollTop = $("scroll").scrollHeight;
}

function openThreadOf(anchor) {
  const found = channel()?.messages.find((m) => anchor === `p${m.ts.replace(".", "")}`);
  if (found && isReply(found) && !found.broadcast) here.open.add(found.thread_ts);
}

function show(anchor) {
  const node = document.getElementById(anchor);
  if (!node) return;
  node.scrollIntoView({ block: "center" });
  node.classList.remove("shown");
  void node.offsetWidth; // restarts the highlight
  node.classList.add("shown");
}

function live(on) {
  $("live").textContent = on ? "live" : "reconnecting…";
  $("live").classList.toggle("on", on);
}

// A browser allows six connections to a host, and each stream holds one: pages that nobody looks at
// ask now and then instead.
let events = null;

function listen() {
  events?.close();
  events = null;
  if (document.hidden) return;
  events = new EventSource("/_demo/events");
  events.addEventListener("open", () => live(true));
  events.addEventListener("error", () => live(false));
  events.addEventListener("message", (event) => {
    wanted = JSON.parse(event.data).version;
    if (wanted < state.version) location.reload(); // another simulator took the place of this one
    else if (wanted > state.version) void refresh();
  });
}

$("composer").addEventListener("submit", (event) => { event.preventDefault(); void type($("composer-text").value); });
$("composer-text").addEventListener("keydown", recall);
$("viewer").addEventListener("change", () => { here.viewerId = $("viewer").value; tick(); draw(false); });
window.addEventListener("hashchange", followHash);
window.addEventListener("pagehide", () => events?.close());
window.addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
document.addEventListener("visibilitychange", () => { listen(); if (!document.hidden && channel()) draw(false); });

tick();
setInterval(() => { tick(); if (document.hidden) void refresh(); }, 5000);
await refresh();
$("scroll").scrollTop = $("scroll").scrollHeight;
here.settled = true;
followHash();
listen();
