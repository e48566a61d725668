// The protocol of docs/sync.md: push the queue, pull what is new, prove the replica, repair it.

import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { newId } from './ids.js';
import { type Api, Refused } from './link.js';
import type { components } from './generated/schema.js';
import type { Held, Kind, Mutation, Store } from './store.js';

const PUSHED = 100;
const PULLED = 500;
/** The server's limit for one request. */
const FETCHED = 500;

/** What a sync did, as numbers. */
export interface Told {
  pushed: number;
  pulled: number;
  repaired: number;
}

/** A write that is not in the queue yet. */
export type Draft = Omit<Mutation, 'mutationId' | 'recordId' | 'captured'> & { recordId?: string };

/** Three clocks: the wall, one that only runs forward and does not stop in sleep, and the boot that it counts from. */
function clocks(): components['schemas']['ClockReading'] {
  let bootId: string | undefined;
  try {
    bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: without a boot id only the wall clock counts.
  }
  return { wall: new Date().toISOString(), monotonic: Math.round(uptime() * 1000), bootId };
}

/** Writes offline. Returns the ids of the records. */
export function write(store: Store, drafts: Draft[]): string[] {
  const captured = clocks();
  const mutations = drafts.map((draft): Mutation => ({ ...draft, mutationId: randomUUID(), recordId: draft.recordId ?? newId(), captured }));
  store.enqueue(mutations);
  return mutations.map((mutation) => mutation.recordId);
}

/** Everything: what was written goes up, what changed comes down, and the replica is proven. */
export async function sync(api: Api, store: Store): Promise<Told> {
  let pushed = 0;
  let failed: unknown;
  try {
    pushed = await push(api, store);
  } catch (error) {
    failed = error; // A push that fails never holds back a pull.
  }
  const pulled = await pull(api, store);
  const repaired = await prove(api, store);
  if (failed) throw failed;
  return { pushed, pulled, repaired };
}

async function push(api: Api, store: Store): Promise<number> {
  let done = 0;
  for (let size = PUSHED; ; ) {
    const mutations = store.queued(size);
    if (mutations.length === 0) return done;
    const deviceId = store.get('deviceId') as string;
    const { data, error } = await api.POST('/v1/sync/mutations', { body: { deviceId, sent: clocks(), mutations } });
    if (data) {
      store.settle(data.results);
      done += data.results.length;
    } else if (error.status === 413 && size > 1) {
      size = Math.ceil(Math.min(size, mutations.length) / 2);
    } else {
      throw new Refused(error);
    }
  }
}

async function pull(api: Api, store: Store): Promise<number> {
  for (let came = 0; ; ) {
    const query = { cursor: store.get('cursor'), limit: PULLED };
    const { data, error } = await api.GET('/v1/sync/changes', { params: { query } });
    if (data) {
      came += data.changes.length;
      if (store.apply(data)) return came; // After several pages, one more request: it tells the head that all this belongs to.
    } else if (error.status === 410) {
      store.restart();
    } else {
      throw new Refused(error);
    }
  }
}

const checksum = (records: Held[]) =>
  createHash('sha256').update(records.map((record) => `${record.id}:${record.revision}`).join('\n')).digest('hex');

/** Compares with the digest at the same head, and mends the kinds that differ. How many records it had to mend. */
export async function prove(api: Api, store: Store): Promise<number> {
  for (;;) {
    const { data: digest, error } = await api.GET('/v1/sync/digest');
    if (!digest) throw new Refused(error);
    if (String(digest.head) !== store.get('head')) {
      await pull(api, store); // The world moved on: the digest is of a later head.
      continue;
    }
    const right = new Map(digest.kinds.map((kind) => [kind.kind, kind.checksum]));
    const kinds = new Set<Kind>([...right.keys(), ...store.kinds()]);
    const wrong = [...kinds].filter((kind) => checksum(store.held(kind)) !== (right.get(kind) ?? checksum([])));
    let mended = 0;
    for (const kind of wrong) mended += await mend(api, store, kind);
    return mended;
  }
}

async function mend(api: Api, store: Store, kind: Kind): Promise<number> {
  const { data: digest, error } = await api.GET('/v1/sync/digest', { params: { query: { kind } } });
  if (!digest) throw new Refused(error);
  const listed = digest.records ?? [];
  const held = new Map(store.held(kind).map((record) => [record.id, record.revision]));
  const missing = listed.filter((record) => held.get(record.id) !== record.revision);
  const fetched = [];
  for (let from = 0; from < missing.length; from += FETCHED) {
    const records = missing.slice(from, from + FETCHED).map((record) => ({ kind, id: record.id }));
    const { data, error } = await api.POST('/v1/sync/records', { body: { records } });
    if (!data) throw new Refused(error);
    fetched.push(...data.changes);
  }
  store.repair(kind, listed, fetched);
  const surplus = held.size - listed.filter((record) => held.has(record.id)).length;
  return missing.length + surplus;
}
