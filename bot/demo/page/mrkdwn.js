// Slack's text markup to elements: bold, italic, strike, code, quotes, links, mentions, dates, emoji.
// `context` says who is who: people, groups, channels, and the reader's time zone.

import { el, link } from "./dom.js";
import { slackDate } from "./dates.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", warning: "⚠️", rotating_light: "🚨", red_circle: "🔴",
  large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵",
  white_circle: "⚪", black_circle: "⚫", bell: "🔔", no_bell: "🔕", hourglass: "⌛", hourglass_flowing_sand: "⏳",
  x: "❌", question: "❓", information_source: "ℹ️", double_vertical_bar: "⏸️", eyes: "👀", "+1": "👍", tada: "🎉",
  chart_with_upwards_trend: "📈", chart_with_downwards_trend: "📉", speech_balloon: "💬", link: "🔗", mute: "🔇",
  arrow_up: "⬆️", arrow_down: "⬇️", arrows_counterclockwise: "🔄", fire: "🔥", boom: "💥", clock3: "🕒", zzz: "💤",
};

export function emoji(name) {
  return EMOJI[name] ?? `:${name}:`;
}

export function unescaped(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

// A whole text: code fences first, then quoted lines, then what stands in a line.
export function mrkdwn(text, context) {
  const root = el("div", { class: "mrkdwn" });
  for (const [index, part] of text.split(/```/).entries()) {
    if (index % 2 === 1) root.append(el("pre", {}, unescaped(part.replace(/^\n|\n$/g, ""))));
    else appendLines(root, index > 0 ? part.replace(/^\n/, "") : part, context);
  }
  return root;
}

// The same in one line without markup, as a notification shows it.
export function plainText(text, context) {
  const root = mrkdwn(text, context);
  for (const node of root.querySelectorAll("br, pre, blockquote")) node.before(" ");
  for (const node of root.querySelectorAll("pre, blockquote")) node.after(" ");
  return root.textContent.replace(/\s+/g, " ").trim();
}

function appendLines(root, text, context) {
  let quote = null;
  const lines = text.split("\n");
  lines.forEach((line, index) => {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (!quote) root.append((quote = el("blockquote", {})));
      else quote.append(el("br"));
      appendInline(quote, quoted[1], context);
      return;
    }
    const afterQuote = quote !== null;
    quote = null;
    if (index > 0 && !afterQuote) root.append(el("br"));
    appendInline(root, line, context);
  });
}

const EDGE = "[\\p{L}\\p{N}]";
const style = (mark) => `(?<!${EDGE})[${mark}](?=\\S)([^${mark}\\n]*[^\\s${mark}])[${mark}](?!${EDGE})`;
const INLINE = new RegExp(
  "`([^`\\n]+)`|<([^<>\\n]+)>|" + style("*") + "|" + style("_") + "|" + style("~") + "|:([a-z0-9_+-]+):", "gu",
);

function appendInline(parent, text, context) {
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    parent.append(unescaped(text.slice(from, match.index)), inlineNode(match, context));
    from = match.index + match[0].length;
  }
  parent.append(unescaped(text.slice(from)));
}

function inlineNode(match, context) {
  const [whole, code, entity, bold, italic, strike, emojiName] = match;
  if (code !== undefined) return el("code", {}, unescaped(code));
  if (entity !== undefined) return entityNode(entity, context);
  if (bold !== undefined) return styled("strong", bold, context);
  if (italic !== undefined) return styled("em", italic, context);
  if (strike !== undefined) return styled("s", strike, context);
  return document.createTextNode(EMOJI[emojiName] ?? whole);
}

function styled(tag, text, context) {
  const node = el(tag, {});
  appendInline(node, text, context);
  return node;
}

function entityNode(entity, context) {
  const [target, label] = entity.split(/\|(.*)/s);
  if (target.startsWith("@")) return mention(context.personName(target.slice(1)) ?? label ?? target.slice(1));
  if (target.startsWith("#")) return mention(label || context.channelName(target.slice(1)) || target.slice(1), "#");
  if (target.startsWith("!subteam^")) return mention(context.groupHandle(target.slice(9)) ?? label ?? "group");
  if (target.startsWith("!date^")) return dateNode(target, label, context);
  if (target.startsWith("!")) return mention(target.slice(1), "@", true);
  return link(unescaped(target), label === undefined ? undefined : unescaped(label));
}

export function mention(name, sign = "@", loud = false) {
  const text = unescaped(name);
  return el("span", { class: loud ? "mention loud" : "mention" }, text.startsWith(sign) ? text : sign + text);
}

function dateNode(target, fallback, context) {
  const [, epoch, template, url] = target.split("^");
  const seconds = Number(epoch);
  const text = Number.isFinite(seconds) && template
    ? slackDate(seconds, unescaped(template), context.zone)
    : unescaped(fallback ?? "");
  const label = el("time", { title: unescaped(fallback ?? ""), datetime: isoTime(seconds) }, text);
  return url ? link(unescaped(url), text) : label;
}

function isoTime(seconds) {
  return Number.isFinite(seconds) && Math.abs(seconds) < 8e12 ? new Date(seconds * 1000).toISOString() : undefined;
}

// Standard Markdown of the `markdown` block, as far as cards use it: headings, lists, bold, code, links.
export function markdown(text, context) {
  const root = el("div", { class: "mrkdwn" });
  for (const [index, part] of text.split(/```/).entries()) {
    if (index % 2 === 1) root.append(el("pre", {}, part.replace(/^\w*\n|\n$/g, "")));
    else for (const line of part.split("\n")) root.append(markdownLine(line, context));
  }
  return root;
}

function markdownLine(line, context) {
  const heading = /^#{1,6} (.*)$/.exec(line);
  const item = /^[-*] (.*)$/.exec(line);
  const node = el("div", { class: heading ? "md-head" : item ? "md-item" : "md-line" });
  const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)\s]+)\)/g;
  const source = heading?.[1] ?? item?.[1] ?? line;
  let from = 0;
  for (const match of source.matchAll(pattern)) {
    node.append(source.slice(from, match.index), markdownNode(match));
    from = match.index + match[0].length;
  }
  node.append(source.slice(from));
  return node;
}

function markdownNode([, code, bold, label, url]) {
  if (code !== undefined) return el("code", {}, code);
  if (bold !== undefined) return el("strong", {}, bold);
  return link(url, label);
}
