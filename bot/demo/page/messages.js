// One message as an element: who and when, what it says, its reactions, and its thread below it.

import { el, icon } from "./dom.js";
import { attachmentNode, blockNode } from "./blocks.js";
import { clockTime, fullTime } from "./dates.js";
import { emoji, mrkdwn, plainText } from "./mrkdwn.js";

export function messageNode(message, view) {
  const node = el("article", { class: classes(message, view), id: anchor(message), dataset: { ts: message.ts } },
    avatar(message),
    el("div", { class: "body" }, note(message, view), head(message, view), content(message, view), reactions(message), thread(message, view)));
  return node;
}

export function anchor(message) {
  return `p${message.ts.replace(".", "")}`;
}

function classes(message, view) {
  const own = message.ephemeral_for ? " ephemeral" : "";
  return `message${own}${view.inThread ? " in-thread" : ""}`;
}

function avatar(message) {
  if (message.bot) return el("img", { class: "avatar", src: "/static/logo.svg", alt: "", width: 36, height: 36 });
  return el("span", { class: "avatar letter", "aria-hidden": "true" }, message.name.slice(0, 1).toUpperCase());
}

// The line above a message that explains why it stands here.
function note(message, view) {
  if (message.ephemeral_for) {
    return el("p", { class: "note" }, icon("eye"), " Only visible to you",
      message.prompt ? [" · ", el("code", {}, message.prompt)] : "");
  }
  if (message.broadcast && !view.inThread) {
    const root = view.root(message.thread_ts);
    return el("p", { class: "note" }, "replied to a thread: ",
      el("a", { href: `#${view.channelId}/p${message.thread_ts.replace(".", "")}` }, root ? summary(root, view) : "its message"));
  }
  return message.broadcast ? el("p", { class: "note" }, "also sent to the channel") : null;
}

function summary(message, view) {
  const text = plainText(message.text, view.context);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text || "message";
}

function head(message, view) {
  const zone = view.context.zone;
  const edits = message.edits > 0 ? el("span", {
    class: "edited", title: `last changed ${fullTime(message.edited_ts, zone)}`,
  }, message.edits === 1 ? "edited" : `edited ${message.edits}×`) : null;
  return el("header", {},
    el("strong", {}, message.name), message.bot ? el("span", { class: "app" }, "APP") : null,
    el("a", { class: "when", href: `#${view.channelId}/${anchor(message)}`, title: fullTime(message.ts, zone) },
      el("time", { datetime: new Date(Number(message.ts) * 1000).toISOString() }, clockTime(message.ts, zone))),
    edits);
}

function content(message, view) {
  const context = { ...view.context, press: (actionId, value) => view.press(message, actionId, value) };
  const parts = message.blocks.length
    ? message.blocks.map((block) => blockNode(block, context))
    : [message.text ? mrkdwn(message.text, context) : null];
  return el("div", { class: "content" }, parts, message.attachments.map((one) => attachmentNode(one, context)));
}

function reactions(message) {
  const all = Object.entries(message.reactions);
  if (!all.length) return null;
  return el("ul", { class: "reactions", "aria-label": "Reactions" }, all.map(([name, users]) =>
    el("li", { title: `:${name}:` }, `${emoji(name)} ${users.length}`)));
}

function thread(message, view) {
  const replies = view.replies?.(message.ts) ?? [];
  if (view.inThread || !replies.length) return null;
  const open = view.isOpen(message.ts);
  const last = clockTime(replies.at(-1).ts, view.context.zone);
  const list = `thread-${anchor(message)}`;
  const button = el("button", {
    type: "button", class: "thread-toggle", "aria-expanded": String(open), "aria-controls": list,
    dataset: { key: list }, on: { click: () => view.toggle(message.ts) },
  }, el("span", { class: "chevron", "aria-hidden": "true" }),
  replies.length === 1 ? "1 reply" : `${replies.length} replies`, el("span", { class: "last" }, `last at ${last}`));
  const inner = el("div", { class: "thread", id: list, hidden: !open });
  if (open) inner.append(...replies.map((reply) => messageNode(reply, { ...view, inThread: true })));
  return el("div", { class: "thread-box" }, button, inner);
}
