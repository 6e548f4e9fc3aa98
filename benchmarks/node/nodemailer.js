// nodemailer with its pool. --port= --count= --connections=
"use strict";
const { measured, each, options } = require("./meter");
const nodemailer = require("nodemailer");

const { port, count, connections } = options();
const text =
  "The pitch is under water after two days of rain.\n\nThe contest is moved to the following Saturday at the " +
  "usual hour. Those who were to bring tables please tell the committee whether they can do so then.\n";

measured(Number(count), async () => {
  const transport = nodemailer.createTransport({
    host: "127.0.0.1",
    port: Number(port),
    secure: false,
    ignoreTLS: true,
    pool: true,
    maxConnections: Number(connections),
    maxMessages: Infinity,
  });
  await each(Number(count), Number(connections) * 2, (number) =>
    transport.sendMail({
      from: "Example club <club@example.org>",
      to: `member${number}@example.org`,
      subject: "Saturday's contest is cancelled",
      text,
      html: `<p>${text}</p>`,
    }),
  );
  transport.close();
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
