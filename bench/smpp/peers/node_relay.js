// A relay that does no policy at all, on the npm package smpp (node-smpp): one upstream bind per downstream bind.
// usage: node node_relay.js LISTEN_PORT UPSTREAM_PORT      NODE_PATH names node_modules; TLS_KEY and TLS_CERT (PEM files) end TLS here.
const fs = require('fs');
const smpp = require('smpp');
const [,, listenPort, upstreamPort] = process.argv;
const fields = pdu => Object.fromEntries(Object.entries(pdu).filter(([k, v]) => typeof v !== 'function' &&
  !['command', 'command_length', 'command_id', 'command_status', 'sequence_number'].includes(k)));
const tls = process.env.TLS_KEY ? { key: fs.readFileSync(process.env.TLS_KEY), cert: fs.readFileSync(process.env.TLS_CERT) } : {};
smpp.createServer(tls, session => {
  let upstream = null;
  session.socket.setNoDelay(true);
  const bind = type => pdu => {
    session.pause();
    upstream = smpp.connect({ url: `smpp://127.0.0.1:${upstreamPort}` }, () => {
      upstream[type]({ system_id: pdu.system_id, password: pdu.password, interface_version: pdu.interface_version }, r => {
        session.send(pdu.response({ command_status: r.command_status, system_id: r.system_id }));
        session.resume();
      });
    });
    upstream.socket.setNoDelay(true);
    upstream.on('deliver_sm', d => session.deliver_sm(fields(d), r => upstream.send(d.response({ command_status: r.command_status }))));
    upstream.on('enquire_link', d => upstream.send(d.response()));
    upstream.on('close', () => session.close());
    upstream.on('error', () => session.close());
  };
  for (const type of ['bind_transmitter', 'bind_receiver', 'bind_transceiver']) session.on(type, bind(type));
  session.on('submit_sm', pdu => !upstream ? session.send(pdu.response({ command_status: 4 })) :
    upstream.submit_sm(fields(pdu), r => session.send(pdu.response({ command_status: r.command_status, message_id: r.message_id }))));
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); if (upstream) upstream.close(); });
  session.on('close', () => upstream && upstream.close());
  session.on('error', () => upstream && upstream.close());
}).listen(+listenPort, '127.0.0.1');
