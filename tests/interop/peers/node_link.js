// What both node-smpp ends share: JSON lines on stdin (commands) and stdout (events), and the octets that node-smpp read and wrote.
// node-smpp parses and writes every PDU itself; here its reader and writer are only overheard.
'use strict';
const readline = require('readline');
const smpp = require('smpp');

const emit = event => process.stdout.write(JSON.stringify(event) + '\n');

const readPdu = smpp.PDU.fromStream;
smpp.PDU.fromStream = (stream, length) => {
  let octets = null;
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length, 0);
  const pdu = readPdu({ read: n => {
    const body = stream.read(n);
    if (body) octets = Buffer.concat([head, body]);
    return body;
  } }, length);
  if (pdu) Object.defineProperty(pdu, 'octets', { value: octets, enumerable: false });
  return pdu;
};
const writePdu = smpp.PDU.prototype.toBuffer;
smpp.PDU.prototype.toBuffer = function () {
  const octets = writePdu.call(this);
  Object.defineProperty(this, 'octets', { value: octets, enumerable: false, configurable: true });
  return octets;
};

// The fields as node-smpp read them; texts as strings, octets as {hex}.
const plain = value => Buffer.isBuffer(value) ? { hex: value.toString('hex') } : Array.isArray(value) ? value.map(plain) :
  value && typeof value === 'object' && !(value instanceof Date) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)])) : value;
const fields = pdu => Object.fromEntries(Object.entries(pdu).filter(([, v]) => typeof v !== 'function').map(([k, v]) => [k, plain(v)]));

// {hex: "…"} becomes octets; "0x1400": {hex} becomes a TLV that node-smpp is taught to write.
const revive = given => {
  const options = {};
  for (const [key, value] of Object.entries(given || {})) {
    const octets = value && typeof value === 'object' && 'hex' in value ? Buffer.from(value.hex, 'hex') : value;
    if (!key.startsWith('0x')) { options[key] = octets; continue; }
    const name = `vendor_${key.slice(2)}`;
    if (!smpp.tlvs[name]) smpp.addTLV(name, { id: parseInt(key, 16), type: smpp.types.tlv.buffer });
    options[name] = octets;
  }
  return options;
};

// Reports everything of a session under `name`.
const overhear = (session, name) => {
  session.on('pdu', pdu => emit({ event: 'pdu', session: name, command: pdu.command, raw: pdu.octets.toString('hex'), fields: fields(pdu) }));
  session.on('send', pdu => emit({ event: 'sent', session: name, command: pdu.command, raw: pdu.octets.toString('hex') }));
  session.on('close', () => emit({ event: 'closed', session: name }));
  session.on('error', error => emit({ event: 'error', session: name, message: String(error) }));
};

// Each line {"id": n, "do": "verb", …} is answered {"event": "done", "id": n, …what the verb returned}.
const commands = verbs => readline.createInterface({ input: process.stdin }).on('line', line => {
  const command = JSON.parse(line);
  Promise.resolve().then(() => verbs[command.do](command)).then(
    result => emit({ event: 'done', id: command.id, ...result }),
    error => emit({ event: 'done', id: command.id, failed: String(error && error.stack || error) }));
}).on('close', () => process.exit(0));

module.exports = { smpp, emit, revive, overhear, commands };
