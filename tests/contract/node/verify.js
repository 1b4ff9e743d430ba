// Asks @slack/bolt's own check of signatures about requests. Reads a JSON list of
// {signing_secret, timestamp_s, body, signature, now_s} on standard input and prints a JSON list of
// null where the check accepts, or the reason where it does not.
import { verifySlackRequest } from "@slack/bolt";

let input = "";
for await (const chunk of process.stdin) input += chunk;

const verdicts = JSON.parse(input).map((sample) => {
  try {
    verifySlackRequest({
      signingSecret: sample.signing_secret,
      body: sample.body,
      headers: {
        "x-slack-signature": sample.signature,
        "x-slack-request-timestamp": sample.timestamp_s,
      },
      nowMilliseconds: sample.now_s * 1000,
    });
    return null;
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify(verdicts));
