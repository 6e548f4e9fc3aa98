// An SMS centre that speaks SMPP 3.4, for Kannel to talk to. What becomes of a message is told by the
// last digit of its number:
//   9  a receipt says it could not be delivered      7  refused: invalid destination
//   8  throttled at the first try                    6  taken, and no receipt ever comes
// Any other number gets a receipt that says delivered. Every message taken is one JSON line in LOG.
// POST /receive {"from", "to", "text"} on the control port lets a member's SMS come in.
// Arguments: the folder of the smpp package, SMPP port, control port, LOG.
'use strict';
const fs = require('fs');
const http = require('http');
const [folder, smppPort, controlPort, log] = process.argv.slice(2);
const smpp = require(folder);

const ACCOUNT = { system_id: 'club', password: 'pw-smpp' };
const OK = 0x00, INVALID_DESTINATION = 0x0b, BIND_FAILED = 0x0d, THROTTLED = 0x58;
const RECEIPT_DELAY = 100;

const sessions = new Set();
const throttled = new Set();
let count = 0;

function refusal(to) {
  if (to.endsWith('7')) return INVALID_DESTINATION;
  if (!to.endsWith('8') || throttled.has(to)) return OK;
  throttled.add(to);
  return THROTTLED;
}

function record(id, pdu) {
  const { udh, message } = pdu.short_message;
  const line = {
    id,
    sender: pdu.source_addr,
    to: pdu.destination_addr,
    data_coding: pdu.data_coding,
    udh: (udh || []).map((element) => element.toString('hex')),
    text: typeof message === 'string' ? message : Buffer.from(message || '').toString('latin1'),
    receipt_wanted: Boolean(pdu.registered_delivery & 3),
  };
  fs.appendFileSync(log, JSON.stringify(line) + '\n');
}

function sendReceipt(session, id, pdu) {
  const state = pdu.destination_addr.endsWith('9') ? 'UNDELIV' : 'DELIVRD';
  const delivered = state === 'DELIVRD' ? '001' : '000';
  session.deliver_sm({
    source_addr: pdu.destination_addr,
    destination_addr: pdu.source_addr,
    esm_class: 4,
    short_message: `id:${id} sub:001 dlvrd:${delivered} submit date:2601010000 done date:2601010001 stat:${state} err:000 text:`,
  });
}

function submit(session, pdu) {
  const status = refusal(pdu.destination_addr);
  if (status !== OK) return session.send(pdu.response({ command_status: status }));
  // Ids must not come twice over a restart: the gateway keys its receipts by them.
  const id = `${process.pid}${String(++count).padStart(6, '0')}`;
  record(id, pdu);
  session.send(pdu.response({ message_id: id }));
  if (pdu.registered_delivery & 3 && !pdu.destination_addr.endsWith('6')) {
    setTimeout(() => sendReceipt(session, id, pdu), RECEIPT_DELAY);
  }
}

function bind(session, pdu) {
  const known = pdu.system_id === ACCOUNT.system_id && pdu.password === ACCOUNT.password;
  session.send(pdu.response({ command_status: known ? OK : BIND_FAILED }));
  if (known) sessions.add(session);
}

smpp.createServer((session) => {
  for (const kind of ['bind_transceiver', 'bind_transmitter', 'bind_receiver']) {
    session.on(kind, (pdu) => bind(session, pdu));
  }
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('close', () => sessions.delete(session));
  session.on('error', (error) => console.error(error.message));
}).listen(Number(smppPort), '127.0.0.1');

http.createServer((request, response) => {
  let body = '';
  request.on('data', (data) => { body += data; });
  request.on('end', () => {
    if (request.method === 'POST') {
      const { from, to, text } = JSON.parse(body);
      for (const session of sessions) session.deliver_sm({ source_addr: from, destination_addr: to, short_message: text });
    }
    response.end(String(sessions.size));
  });
}).listen(Number(controlPort), '127.0.0.1');
