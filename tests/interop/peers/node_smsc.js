// node-smpp as an SMSC. usage: node node_smsc.js [PORT]; NODE_PATH names node_modules. Commands: see NodeSmsc in node.py.
'use strict';
const { smpp, emit, revive, overhear, commands } = require('./node_link.js');

const sessions = new Map();
let held = [];
let ids = 0;
const behaviour = { bind_status: 0, submit: 'answer', status: 0, delay_ms: 0, receipt: 'none', receipt_delay_ms: 0, id_prefix: 'n', next_id: 0, receipt_id: 'same', echo_tlvs: true, state: 'DELIVRD' };

// How receipts write an id, where it is a hexadecimal number in the response.
const spellings = {
  same: id => id,
  short: id => BigInt('0x' + id).toString(16).toUpperCase(),
  decimal: id => BigInt('0x' + id).toString(),
  padded: id => BigInt('0x' + id).toString().padStart(10, '0'),
};

const receipt = (pdu, given) => {
  const id = spellings[behaviour.receipt_id](given);
  const tlvs = {};
  // WHY by hand: node-smpp keeps an unknown TLV under its number, and writes only what it was taught by name.
  if (behaviour.echo_tlvs) for (const [key, value] of Object.entries(pdu)) {
    const name = /^\d+$/.test(key) ? (+key).toString(16).padStart(4, '0') : key.startsWith('vendor_') ? key.slice(7) : null;
    if (name && Buffer.isBuffer(value)) tlvs[`0x${name}`] = { hex: value.toString('hex') };
  }
  return revive({
    source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi, source_addr: pdu.destination_addr,
    dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi, destination_addr: pdu.source_addr,
    esm_class: 4, data_coding: 0,
    short_message: { hex: Buffer.from(`id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:${behaviour.state} err:000 text:`).toString('hex') },
    receipted_message_id: id, message_state: behaviour.state === 'DELIVRD' ? 2 : 5, ...tlvs,
  });
};

const answer = (session, pdu) => {
  if (behaviour.submit === 'mute') return;
  if (behaviour.submit === 'nack') return session.send(new smpp.PDU('generic_nack', { sequence_number: pdu.sequence_number, command_status: behaviour.status || 3 }));
  if (behaviour.submit === 'disconnect') return session.destroy();
  if (behaviour.status) return session.send(pdu.response({ command_status: behaviour.status }));
  if (behaviour.next_id) { ids = behaviour.next_id - 1; behaviour.next_id = 0; }
  const id = `${behaviour.id_prefix}${(++ids).toString(16).padStart(8, '0')}`;
  const when = pdu.registered_delivery & 3 ? behaviour.receipt : 'none';
  const deliver = () => session.deliver_sm(receipt(pdu, id));
  if (when === 'before') deliver();
  session.send(pdu.response({ message_id: id }));
  if (when === 'after') setTimeout(deliver, behaviour.receipt_delay_ms);
};

const server = smpp.createServer(session => {
  const name = sessions.size + 1;
  sessions.set(name, session);
  session.socket.setNoDelay(true);
  emit({ event: 'session', session: name });
  overhear(session, name);
  for (const type of ['bind_transmitter', 'bind_receiver', 'bind_transceiver']) session.on(type, pdu => {
    session.send(pdu.response(behaviour.bind_status ? { command_status: behaviour.bind_status } : { system_id: 'NODESMSC' }));
  });
  for (const type of ['submit_sm', 'data_sm']) session.on(type, pdu => {
    if (behaviour.submit === 'hold') { held.push([session, pdu]); return; }
    if (behaviour.delay_ms) setTimeout(answer, behaviour.delay_ms, session, pdu); else answer(session, pdu);
  });
  session.on('cancel_sm', pdu => session.send(pdu.response()));
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); });
});
server.listen(+(process.argv[2] || 0), '127.0.0.1', () => emit({ event: 'listening', port: server.address().port }));

const session = command => sessions.get(command.session);
commands({
  set: command => { Object.assign(behaviour, command.behaviour); return {}; },
  // Answers what was held, in the order given: "forward" or "reverse". The behaviour of this moment decides how.
  release: command => {
    const now = held;
    held = [];
    behaviour.submit = command.then || 'answer';
    (command.order === 'reverse' ? now.reverse() : now).forEach(([s, pdu]) => answer(s, pdu));
    return { released: now.length };
  },
  // Any request of node-smpp's own making; done with the response it got.
  request: command => new Promise((resolve, reject) => {
    const sent = session(command)[command.command](revive(command.fields), response => resolve({ status: response.command_status, raw: response.octets.toString('hex') }));
    if (!sent) reject(new Error('the socket is not writable'));
  }),
  raw: command => { session(command).socket.write(Buffer.from(command.hex, 'hex')); return {}; },
  disconnect: command => { for (const s of command.session ? [session(command)] : sessions.values()) command.reset ? s.socket.resetAndDestroy() : s.destroy(); return {}; },
  pause: command => { session(command).pause(); return {}; },
  resume: command => { session(command).resume(); return {}; },
});
