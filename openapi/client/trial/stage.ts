// What the trials of the adapters need: people who have logged in, a link that loses replies, what the server says that a device
// should hold, and a hand in the server's database. The test that starts them is tests/clients/adapters.rs.

import assert from 'node:assert/strict';
import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { keyOf, type Change, type Kind, type Mutation } from '../adapters/records.js';
import { newId } from '../ids.js';
import { connect, logIn, type Api, type Session } from '../link.js';

export function env(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is set`);
  return value;
}

/** What came of a request, or what the server says against it. */
export function good<T>(answer: { data?: T; error?: unknown }): T {
  assert.ok(answer.data !== undefined, JSON.stringify(answer.error));
  return answer.data;
}

function session(): Session {
  const kept = new Map<string, string>();
  return { get: (name) => kept.get(name), set: (name, value) => void kept.set(name, value) };
}

/** Somebody, on a link of his own. */
export async function person(email: string, url = env('WAYPOST_URL')): Promise<Api> {
  const own = session();
  await logIn(env('WAYPOST_URL'), own, { tenant: env('WAYPOST_TENANT'), email, password: env('WAYPOST_PASSWORD') });
  return connect(url, own, 1);
}

/** A way to the server on which replies get lost. */
export interface Link {
  url: string;
  /** The replies to pushes are lost from now on: the server has them, the device never learns it. */
  losing: boolean;
  /** Pushes do not get through. */
  deaf: boolean;
  /** There is no connection. */
  down: boolean;
  lost: number;
  pushes: number;
  pulls: number;
  close(): void;
}

export async function link(): Promise<Link> {
  const server = createServer((from, to) => {
    const pushed = from.url?.startsWith('/v1/sync/mutations');
    if (told.down || (pushed && told.deaf)) return void from.socket.destroy();
    if (pushed) told.pushes += 1;
    if (from.url?.startsWith('/v1/sync/changes')) told.pulls += 1;
    const onward = ask(env('WAYPOST_URL') + from.url, { method: from.method, headers: from.headers }, (answer) => {
      if (pushed && told.losing) {
        told.lost += 1;
        answer.resume().on('end', () => from.socket.destroy());
      } else {
        to.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(to);
      }
    });
    onward.on('error', () => from.socket.destroy());
    to.on('close', () => onward.destroy());
    from.pipe(onward);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const told: Link = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, losing: false, deaf: false, down: false, lost: 0, pushes: 0, pulls: 0,
    close: () => void (server.close(), server.closeAllConnections()),
  };
  return told;
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the test do what no client can, such as ending all cursors. */
export async function demand(what: string): Promise<void> {
  console.log(`demand ${what}`);
  assert.equal((await lines.next()).value, 'done');
}

/** The trial is over; nothing else keeps the process. */
export function leave(): void {
  console.log('held');
  process.exit(0);
}

/** Records as they were at a revision: what was fetched once is not fetched again. */
const seen = new Map<string, Change>();

/** Everything of these kinds that the user should hold. */
export async function truth(api: Api, kinds: Kind[]): Promise<Map<string, Change>> {
  const held = new Map<string, Change>();
  for (const kind of kinds) {
    const { records = [] } = good(await api.GET('/v1/sync/digest', { params: { query: { kind } } }));
    const unknown = records.filter(({ id, revision }) => !seen.has(`${keyOf(kind, id)} ${revision}`));
    for (let from = 0; from < unknown.length; from += 500) {
      const body = { records: unknown.slice(from, from + 500).map(({ id }) => ({ kind, id })) };
      const { changes } = good(await api.POST('/v1/sync/records', { body }));
      changes.forEach((change) => seen.set(`${keyOf(kind, change.id)} ${change.revision}`, change));
    }
    for (const { id, revision } of records) held.set(keyOf(kind, id), seen.get(`${keyOf(kind, id)} ${revision}`) as Change);
  }
  return held;
}

/** A push beside the devices. */
export async function push(api: Api, mutations: Omit<Mutation, 'mutationId'>[]): Promise<void> {
  const deviceId = crypto.randomUUID();
  for (let from = 0; from < mutations.length; from += 500) {
    const part = mutations.slice(from, from + 500).map((one): Mutation => ({ ...one, mutationId: crypto.randomUUID() }));
    const { results } = good(await api.POST('/v1/sync/mutations', { body: { deviceId, mutations: part } }));
    assert.deepEqual(results.filter((result) => result.status === 'conflict' || result.status === 'rejected'), []);
  }
}

/** Many records of a rep: a tenth accounts, the others their contacts. */
export async function seed(api: Api, count: number): Promise<void> {
  const accounts = Array.from({ length: count / 10 }, (_, at) => ({ id: newId(), name: `Customer ${at}` }));
  const made = accounts.map(({ id, name }) => ({ kind: 'account' as const, op: 'create' as const, recordId: id, account: { kind: 'business' as const, name } }));
  const people = accounts.flatMap(({ id, name }) => Array.from({ length: 9 }, (_, at) => ({
    kind: 'contact' as const, op: 'create' as const, recordId: newId(), contact: { accountId: id, name: `${name}, person ${at}` },
  })));
  await push(api, [...made, ...people]);
}

/** How long something took, for who reads the log. */
export async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  console.log(`${what}: ${Math.round(performance.now() - begun)} ms`);
  return result;
}
