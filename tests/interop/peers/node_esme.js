// node-smpp as an ESME. usage: node node_esme.js PORT [HOST]; NODE_PATH names node_modules. Commands: see NodeEsme in node.py.
'use strict';
const { smpp, emit, revive, overhear, commands } = require('./node_link.js');

let deliverStatus = 0;
const session = smpp.connect({ host: process.argv[3] || '127.0.0.1', port: +process.argv[2] });
session.socket.setNoDelay(true);
session.on('connect', () => emit({ event: 'connected' }));
overhear(session, 1);
for (const type of ['deliver_sm', 'data_sm']) session.on(type, pdu => session.send(pdu.response({ command_status: deliverStatus })));
session.on('enquire_link', pdu => session.send(pdu.response()));

commands({
  set: command => { deliverStatus = command.behaviour.deliver_status; return {}; },
  // Any request of node-smpp's own making, bind_transceiver too; done with the response it got.
  request: command => new Promise((resolve, reject) => {
    const sent = session[command.command](revive(command.fields), response =>
      resolve({ status: response.command_status, message_id: response.message_id, raw: response.octets.toString('hex') }));
    if (!sent) reject(new Error('the socket is not writable'));
  }),
  raw: command => { session.socket.write(Buffer.from(command.hex, 'hex')); return {}; },
  close: () => { session.close(); return {}; },
  destroy: () => { session.destroy(); return {}; },
});
