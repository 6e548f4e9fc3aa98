// notifme-sdk over HTTP: its Slack provider posts JSON to any address. --url= --count=, or for a fallback
// --url=first --second=second --count=1
"use strict";
const { measured, each, options } = require("./meter");
const NotifmeSdk = require("notifme-sdk").default;

const { url, second, count } = options();
const path = "/bot1:benchmark/sendMessage";
const providers = [url, second].filter(Boolean).map((base) => ({ type: "webhook", webhookUrl: base + path }));
const sdk = new NotifmeSdk({ channels: { slack: { providers, multiProviderStrategy: "fallback" } } });
const body =
  "The pitch is under water after two days of rain. The contest is moved to the following Saturday at the " +
  "usual hour. Those who were to bring tables please tell the committee whether they can do so then.";

async function send() {
  const answer = await sdk.send({ slack: { text: "Saturday's contest is cancelled\n\n" + body } });
  if (answer.status !== "success") throw new Error("notifme says no");
}

// The moment on the clock that all processes of this machine share.
if (second) console.log(JSON.stringify({ began: Number(process.hrtime.bigint()) / 1e9 }));
measured(Number(count), () => each(Number(count), 50, send)).catch((error) => {
  console.error(error);
  process.exit(1);
});
