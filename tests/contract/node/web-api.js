// Drives @slack/web-api against the simulator whose api_url is the first argument; the second is the
// token. Prints one JSON object of what the client saw. It sends every call as a form.
import { WebClient, LogLevel } from "@slack/web-api";

const [apiUrl, token] = process.argv.slice(2);
const quiet = { slackApiUrl: apiUrl, logLevel: LogLevel.ERROR };
const client = new WebClient(token, { ...quiet, retryConfig: { retries: 0 } });

async function codeOf(call) {
  try {
    await call;
    return null;
  } catch (error) {
    return { code: error.code, error: error.data?.error, errors: error.data?.errors };
  }
}

const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*1*" } }];
const who = await client.auth.test();
const root = await client.chat.postMessage({ channel: "C1", text: "root", blocks });
const reply = await client.chat.postMessage({
  channel: "C1", text: "reply", thread_ts: root.ts, reply_broadcast: true,
});
await client.chat.update({ channel: "C1", ts: root.ts, text: "root, edited", blocks });
await client.reactions.add({ channel: "C1", timestamp: root.ts, name: "eyes" });
const thread = await client.conversations.replies({ channel: "C1", ts: root.ts });
const names = [];
for await (const page of client.paginate("conversations.list", { limit: 2 })) {
  names.push(...page.channels.map((channel) => channel.name));
}
const refused = {
  archived: await codeOf(client.chat.postMessage({ channel: "C3", text: "t" })),
  nothing: await codeOf(client.chat.postMessage({ channel: "C1", text: "" })),
  header: await codeOf(client.chat.postMessage({
    channel: "C1", text: "t",
    blocks: [{ type: "header", text: { type: "plain_text", text: "x".repeat(151) } }],
  })),
  token: await codeOf(new WebClient("xoxb-wrong", quiet).auth.test()),
  limited: await codeOf(
    new WebClient(token, { ...quiet, rejectRateLimitedCalls: true }).usergroups.list(),
  ),
};
const patient = new WebClient(token, quiet);
const afterLimit = await patient.users.info({ user: "U0NIGHT" });

console.log(JSON.stringify({
  user: who.user_id,
  scopes: who.response_metadata.scopes,
  root: root.ts,
  reply: reply.ts,
  thread: thread.messages.map((message) => [message.ts, message.text]),
  names,
  refused,
  afterLimit: afterLimit.user.tz,
}));
