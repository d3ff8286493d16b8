// An application that was written for Twilio. What it needs to send by the hub are its first four lines.
const twilio = require("twilio");
const { HUB, ACCOUNT, TOKEN, FROM, SERVICE } = process.env;
const client = twilio(ACCOUNT, TOKEN);
client.api.baseUrl = HUB;

const http = require("node:http");
const SECONDS = 60;

async function until(what, look) {
  const end = Date.now() + SECONDS * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`Waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function refusal(work) {
  try {
    await work;
  } catch (error) {
    return { code: error.code, status: error.status, about: error.moreInfo };
  }
  throw new Error("It was not refused.");
}

function listen(posts) {
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const params = Object.fromEntries(new URLSearchParams(Buffer.concat(parts).toString()));
      const url = `http://127.0.0.1:${server.address().port}${request.url}`;
      const valid = twilio.validateRequest(TOKEN, request.headers["x-twilio-signature"], url, params);
      posts.push({ sid: params.MessageSid, status: params.MessageStatus, valid });
      response.end();
    });
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

async function tour() {
  const posts = [];
  const server = await listen(posts);
  const statusCallback = `http://127.0.0.1:${server.address().port}/status?application=Grüße`;
  const callback = encodeURI(statusCallback);
  const sent = [];
  for (const n of [0, 1, 2, 3, 4]) {
    const to = `+1415555010${n}`;
    sent.push(await client.messages.create({ to, from: FROM, body: `Grüße 🌻 ${n}`, statusCallback: callback }));
  }
  const sids = sent.map((message) => message.sid);
  const fetched = await until("delivery", async () => {
    const message = await client.messages(sids[0]).fetch();
    return message.status === "delivered" ? message : null;
  });
  await until("callbacks", () => posts.filter((post) => post.status === "delivered").length === sids.length);

  const sendAt = new Date(Date.now() + 3600 * 1000);
  const scheduled = await client.messages.create({
    to: "+14155550109",
    messagingServiceSid: SERVICE,
    body: "Later",
    scheduleType: "fixed",
    sendAt,
  });
  const canceled = await client.messages(scheduled.sid).update({ status: "canceled" });
  const listed = await client.messages.list({ pageSize: 2 });
  const toOne = await client.messages.list({ to: "+14155550103" });
  const today = await client.messages.list({ dateSentAfter: new Date(Date.now() - 60000), pageSize: 2 });
  const redacted = await client.messages(sids[1]).update({ body: "" });
  const removed = await client.messages(sids[2]).remove();
  const refusals = {
    number: await refusal(client.messages.create({ to: "nobody", from: FROM, body: "Hi" })),
    late: await refusal(client.messages(sids[0]).update({ status: "canceled" })),
    removed: await refusal(client.messages(sids[2]).fetch()),
    credentials: await refusal(withBase(twilio(ACCOUNT, "wrong")).messages.list({ limit: 1 })),
  };
  server.close();
  return {
    sids,
    created: { status: sent[0].status, date: sent[0].dateCreated.toISOString(), direction: sent[0].direction },
    fetched: { body: fetched.body, dateSent: fetched.dateSent.toISOString(), error: fetched.errorCode },
    listed: listed.map((message) => message.sid),
    toOne: toOne.map((message) => message.sid),
    today: today.map((message) => message.sid),
    scheduled: { sid: scheduled.sid, status: scheduled.status },
    canceled: canceled.status,
    redacted: redacted.body,
    removed,
    refusals,
    posts,
  };
}

function withBase(other) {
  other.api.baseUrl = HUB;
  return other;
}

tour().then(
  (told) => console.log(JSON.stringify(told)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
