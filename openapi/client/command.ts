// A device on the command line: waypost FILE log-in|write|sync|show …, the server by WAYPOST_URL.

import { connect, logIn } from './link.js';
import { Store, type Kind } from './store.js';
import { sync, write, type Draft } from './sync.js';

const [file, verb, ...rest] = process.argv.slice(2);
const url = process.env['WAYPOST_URL'] ?? 'http://localhost:8080';
if (!file) throw new Error('Say which file is the device.');
const store = new Store(file);

switch (verb) {
  case 'log-in': {
    const [tenant, email] = rest;
    const password = process.env['WAYPOST_PASSWORD'];
    if (!tenant || !email || !password) throw new Error('log-in TENANT EMAIL, with WAYPOST_PASSWORD set');
    await logIn(url, store, { tenant, email, password });
    break;
  }
  // Writes are JSON, one a line, on standard input: {"kind":"account","op":"create","account":{…}}
  case 'write': {
    let text = '';
    for await (const part of process.stdin) text += part;
    const drafts = text.split('\n').filter((line) => line.trim()).map((line) => JSON.parse(line) as Draft);
    console.log(JSON.stringify(write(store, drafts)));
    break;
  }
  case 'sync':
    console.log(JSON.stringify({ ...(await sync(connect(url, store), store)), waiting: store.queued(-1).length }));
    break;
  case 'show':
    for (const record of store.view(rest[0] as Kind).values()) console.log(JSON.stringify(record));
    break;
  default:
    throw new Error('log-in, write, sync or show');
}
