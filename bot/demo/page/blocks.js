// Block Kit to elements. What is not known here is shown as a labelled box, never left out.

import { el, isSafeLink, link } from "./dom.js";
import { chartBlock } from "./chart.js";
import { slackDate } from "./dates.js";
import { emoji, markdown, mention, mrkdwn, unescaped } from "./mrkdwn.js";

export function blockNode(block, context) {
  const make = BLOCKS[block.type];
  return make ? make(block, context) : fallback(`${block.type ?? "unknown"} block`);
}

const BLOCKS = {
  header: (block) => el("h3", { class: "b-header" }, plain(block.text)),
  divider: () => el("hr", { class: "b-divider" }),
  section: sectionBlock,
  context: (block, context) => el("div", { class: "b-context" }, (block.elements ?? []).map((item) =>
    (item.type === "image" ? fallback(item.alt_text, "image") : textNode(item, context)))),
  actions: actionsBlock,
  context_actions: actionsBlock,
  rich_text: (block, context) => el("div", { class: "b-rich" }, (block.elements ?? []).map((part) => richPart(part, context))),
  table: (block, context) => tableNode(block.rows ?? [], { settings: block.column_settings ?? [], context }),
  data_table: (block, context) => tableNode(block.rows ?? [], { settings: [], caption: block.caption, context }),
  data_visualization: chartBlock,
  markdown: (block, context) => markdown(block.text ?? "", context),
  image: (block) => fallback(block.alt_text || plain(block.title) || "image", "image"),
  container: containerBlock,
};

function fallback(label, kind = "not shown here") {
  return el("div", { class: "b-fallback", role: "note" }, el("span", { class: "tag" }, kind), label);
}

function plain(text) {
  return (text?.text ?? "").replace(/:([a-z0-9_+-]+):/g, (whole, name) => emoji(name));
}

function textNode(text, context) {
  return text.type === "mrkdwn" ? mrkdwn(text.text ?? "", context) : el("div", { class: "plain" }, plain(text));
}

function sectionBlock(block, context) {
  const main = el("div", { class: "b-section-main" });
  if (block.text) main.append(textNode(block.text, context));
  if (block.fields?.length) {
    main.append(el("div", { class: "b-fields" }, block.fields.map((field) => textNode(field, context))));
  }
  const accessory = block.accessory ? el("div", { class: "b-accessory" }, elementNode(block.accessory, context)) : null;
  return el("div", { class: "b-section" }, main, accessory);
}

function actionsBlock(block, context) {
  return el("div", { class: "b-actions" }, (block.elements ?? []).map((item) => elementNode(item, context)));
}

function elementNode(item, context) {
  if (item.type === "image") return fallback(item.alt_text, "image");
  if (item.type === "button") return buttonNode(item, context);
  if (item.options) return menuNode(item, context);
  return fallback(item.type ?? "element");
}

function buttonNode(item, context) {
  const press = () => { if (confirmed(item)) context.press(item.action_id); };
  const props = {
    class: `button ${item.style ?? ""}`, "aria-label": item.accessibility_label,
    dataset: { key: item.action_id ?? "" }, on: { click: press },
  };
  if (item.url && isSafeLink(item.url)) {
    return el("a", { ...props, href: item.url, target: "_blank", rel: "noopener noreferrer" }, plain(item.text), " ↗");
  }
  return el("button", { ...props, type: "button" }, plain(item.text));
}

function confirmed(item) {
  if (!item.confirm) return true;
  return window.confirm(`${plain(item.confirm.title)}\n\n${unescaped(plain(item.confirm.text))}`);
}

function menuNode(item, context) {
  const title = plain(item.placeholder) || (item.type === "overflow" ? "More…" : "Choose…");
  const menu = el("select", { class: "menu", "aria-label": title, dataset: { key: item.action_id ?? "" } },
    el("option", { value: "" }, title),
    item.options.map((option) => el("option", { value: option.value }, plain(option.text))));
  menu.addEventListener("change", () => {
    const value = menu.value;
    menu.value = "";
    if (value && confirmed(item)) context.press(item.action_id, value);
  });
  return menu;
}

function containerBlock(block, context) {
  const inner = (block.child_blocks ?? []).map((child) => blockNode(child, context));
  const title = plain(block.title) || richText(block.rich_text_title);
  if (!block.is_collapsible) return el("section", { class: "b-container" }, el("h4", {}, title), inner);
  return el("details", { class: "b-container", open: !block.default_collapsed }, el("summary", {}, title), inner);
}

function richText(value) {
  if (Array.isArray(value)) return value.map(richText).join("");
  if (value === null || typeof value !== "object") return "";
  return typeof value.text === "string" ? value.text : Object.values(value).map(richText).join("");
}

function richPart(part, context) {
  const inner = (part.elements ?? []).map((leaf) =>
    (leaf.type === "rich_text_section" ? el("li", {}, leaf.elements.map((item) => richLeaf(item, context))) : richLeaf(leaf, context)));
  if (part.type === "rich_text_list") {
    return el(part.style === "ordered" ? "ol" : "ul", { class: `indent-${Math.min(3, part.indent ?? 0)}` }, inner);
  }
  const tags = { rich_text_preformatted: "pre", rich_text_quote: "blockquote" };
  return el(tags[part.type] ?? "div", {}, inner);
}

const LEAVES = {
  text: (leaf) => leaf.text,
  link: (leaf) => link(leaf.url, leaf.text),
  emoji: (leaf) => emoji(leaf.name),
  user: (leaf, context) => mention(context.personName(leaf.user_id) ?? leaf.user_id),
  usergroup: (leaf, context) => mention(context.groupHandle(leaf.usergroup_id) ?? leaf.usergroup_id),
  channel: (leaf, context) => mention(context.channelName(leaf.channel_id) ?? leaf.channel_id, "#"),
  broadcast: (leaf) => mention(leaf.range, "@", true),
  date: (leaf, context) => slackDate(leaf.timestamp, leaf.format ?? "{date_short} {time}", context.zone),
  color: (leaf) => leaf.value,
};

function richLeaf(leaf, context) {
  let node = LEAVES[leaf.type]?.(leaf, context) ?? `[${leaf.type}]`;
  for (const [key, tag] of [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"]]) {
    if (leaf.style?.[key]) node = el(tag, {}, node);
  }
  return node;
}

function tableNode(rows, { settings, caption, context }) {
  const [head, ...body] = rows;
  const cells = (row, tag) => row.map((cell, index) => cellNode(cell, tag, { setting: settings[index], context }));
  const table = el("table", {},
    caption ? el("caption", {}, caption) : null,
    head ? el("thead", {}, el("tr", {}, cells(head, "th"))) : null,
    el("tbody", {}, body.map((row) => el("tr", {}, cells(row, "td")))));
  return el("div", { class: "b-table", tabindex: "0", role: "region", "aria-label": caption || "Table" }, table);
}

function cellNode(cell, tag, { setting, context }) {
  const right = setting?.align === "right" || (!setting?.align && cell.type === "raw_number");
  const props = { class: right ? "right" : setting?.align === "center" ? "center" : null, scope: tag === "th" ? "col" : null };
  if (cell.type === "rich_text") return el(tag, props, (cell.elements ?? []).map((part) => richPart(part, context)));
  return el(tag, props, String(cell.text ?? cell.value ?? ""));
}

// A legacy attachment: its colour bar, its own texts, and its blocks.
export function attachmentNode(attachment, context) {
  const inside = [
    attachment.pretext ? mrkdwn(attachment.pretext, context) : null,
    attachment.title ? el("strong", { class: "a-title" }, attachment.title_link ? link(attachment.title_link, attachment.title) : attachment.title) : null,
    attachment.blocks ? null : mrkdwn(attachment.text ?? attachment.fallback ?? "", context),
    attachment.fields?.length ? el("div", { class: "b-fields" }, attachment.fields.map((field) =>
      el("div", {}, el("strong", {}, field.title), el("br"), mrkdwn(field.value ?? "", context)))) : null,
    (attachment.blocks ?? []).map((block) => blockNode(block, context)),
    attachment.footer ? el("div", { class: "b-context" }, attachment.footer) : null,
  ];
  const node = el("div", { class: "attachment" }, inside.flat());
  const named = { good: "#2f9e44", warning: "#e8a317", danger: "#d6336c" };
  const colour = named[attachment.color] ?? attachment.color ?? "";
  if (/^#?[0-9a-f]{6}$/i.test(colour)) node.style.setProperty("--bar", colour.startsWith("#") ? colour : `#${colour}`);
  return node;
}
