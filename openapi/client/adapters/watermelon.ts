// WatermelonDB over the sync protocol of docs/sync.md: one `synchronize`, which sends first what its user wrote, so that nothing
// that is pulled can destroy it unsent, and then pulls. Ids must be UUIDs: setGenerator(newId), see docs/integrate.md.

import type { Database, DirtyRaw, TableSchema } from '@nozbe/watermelondb';
import { synchronize, type SyncArgs, type SyncPullArgs } from '@nozbe/watermelondb/sync/index.js';
import { isId } from '../ids.js';
import { Refused, type Api } from '../link.js';
import { Outbox, type Answer, type Memory, type Write } from './outbox.js';
import {
  alteration, camel, creation, formOf, isWritten, keyOf, recordOf, removal, same, WRITTEN,
  type Change, type Clocks, type Kind, type Values, type WrittenKind,
} from './records.js';

/** A column as a table's schema describes it. */
type Column = TableSchema['columnArray'][number];
type Tables = Record<string, { created: DirtyRaw[]; updated: DirtyRaw[]; deleted: string[] }>;

export interface Options {
  database: Database;
  api: Api;
  /** Which kind each table holds. Columns are the fields in snake case; tables that devices write need a number `revision`. */
  tables: Record<string, Kind>;
  /** Columns of the app's own, by table: they are neither sent nor overwritten. */
  local?: Record<string, string[]>;
  migrationsEnabledAtVersion?: number;
  log?: NonNullable<SyncArgs['log']>;
  /** The device's clocks, if it can tell more than the wall's. */
  clocks?: () => Clocks;
}

const PAGE = 1000;
const running = new WeakMap<object, Promise<void>>();

/** Sends and pulls everything. A call while another one runs is that one. */
export function syncWaypost(options: Options): Promise<void> {
  const now = running.get(options.database) ?? new Sync(options).run().finally(() => running.delete(options.database));
  running.set(options.database, now);
  return now;
}

class Sync {
  readonly #options: Options;
  readonly #memory: Memory;
  readonly #tableOf: Map<Kind, string>;
  #outbox!: Outbox;

  constructor(options: Options) {
    this.#options = options;
    const storage = options.database.localStorage;
    this.#memory = {
      get: (name) => storage.get<string>(`waypost_${name}`).then((value) => value ?? undefined),
      set: (name, value) => storage.set(`waypost_${name}`, value),
    };
    this.#tableOf = new Map(Object.entries(options.tables).map(([table, kind]) => [kind, table]));
    for (const [table, kind] of Object.entries(options.tables)) {
      const schema = options.database.schema.tables[table];
      if (!schema) throw new Error(`tables: the schema has no table ${table}.`);
      if (isWritten(kind) && schema.columns['revision']?.type !== 'number') {
        throw new Error(`${table}: a table that is written needs a column { name: 'revision', type: 'number', isOptional: true }.`);
      }
    }
  }

  async run(): Promise<void> {
    const { database, api, clocks, log, migrationsEnabledAtVersion } = this.#options;
    this.#outbox = await Outbox.open(api, this.#memory, clocks);
    for (let [round, again] = [1, true]; again; round += 1) {
      again = false;
      await synchronize({
        database,
        sendCreatedAsUpdated: true,
        ...(log ? { log } : {}),
        ...(migrationsEnabledAtVersion ? { migrationsEnabledAtVersion } : {}),
        pullChanges: (told) => this.#pull(told),
        pushChanges: async ({ changes, lastPulledAt }) => {
          const rejected = await this.#push(changes as Tables, lastPulledAt);
          again = Object.keys(rejected).length > 0 && round < 3; // What was typed during the pull and refused: the next one shows what holds.
          return { experimentalRejectedIds: rejected };
        },
        conflictResolver: (table, local, remote, resolved) => this.#resolve(table, local, remote, resolved),
      });
    }
  }

  // ---- up

  async #push(changes: Tables, epoch: number): Promise<Record<string, string[]>> {
    const writes = this.#writes(changes);
    const answers = await this.#outbox.send(writes, String(epoch));
    const rejected: Record<string, string[]> = {};
    for (const { kind, id } of writes) {
      if (!refused(answers.get(keyOf(kind, id)))) continue;
      (rejected[this.#table(kind)] ??= []).push(id);
    }
    return rejected;
  }

  #writes(changes: Tables): Write[] {
    return WRITTEN.flatMap((kind) => {
      const table = this.#tableOf.get(kind);
      const of = table === undefined ? undefined : changes[table];
      if (table === undefined || !of) return [];
      const rows = [...of.created, ...of.updated].flatMap((raw) => this.#write(table, kind, raw) ?? []);
      return [...rows, ...of.deleted.map((id): Write => ({ kind, id, drafts: removal(kind, id) }))];
    });
  }

  #write(table: string, kind: WrittenKind, raw: DirtyRaw): Write | undefined {
    const id = String(raw.id);
    if (!isId(id)) throw new Error(`${table}: the id ${id} is no UUID. Call setGenerator(newId) before the first record is made.`);
    const record = this.#record(table, kind, raw);
    const revision = Number(raw['revision']) || undefined;
    const made = this.#outbox.taken(kind, id);
    let changed = String(raw._changed).split(',').filter(Boolean).map(camel);
    if (raw._status === 'created' && !revision) {
      const drafts = creation(kind, record);
      const again = this.#outbox.entry(kind, id)?.content === JSON.stringify(drafts);
      if (again || !made) return { kind, id, drafts, seen: raw };
      // The server has it, as it was then: only what is different now is new.
      const sent = (made[camel(kind)] ?? {}) as Values;
      changed = Object.keys(record).filter((name) => !same(record[name], sent[name]));
    }
    const drafts = alteration(kind, record, changed, revision ?? this.#outbox.entry(kind, id)?.answer?.revision);
    return drafts.length ? { kind, id, drafts, seen: raw } : undefined;
  }

  // ---- down

  async #pull({ lastPulledAt, migration }: SyncPullArgs) {
    const { database, tables } = this.#options;
    const last = lastPulledAt ?? 0;
    const cursors = JSON.parse((await this.#memory.get('cursors')) ?? '{}') as Record<string, string>;
    const shown = JSON.parse((await this.#memory.get('shown')) ?? '{}') as { at?: number; keys?: string[] };
    // What the last pull showed is settled for good, now that it is known to have been stored.
    if (shown.at === last) await this.#outbox.forget((shown.keys ?? []).map(unkeyed));

    const waiting = await this.#local();
    const unsent = await this.#push(waiting, last).then(() => undefined, (error: unknown) => ({ error }));

    const changes = new Map<string, Change>();
    const put = (change: Change) => changes.set(keyOf(change.kind, change.id), change);
    for (const kind of this.#migrated(migration)) (await this.#whole(kind)).forEach(put);
    const { cursor, whole } = await this.#pages(cursors[last], put);
    if (whole && unsent) throw unsent.error; // What does not come would be destroyed, and with it what was not sent.

    // What was sent may not have come: a refusal changes nothing. And what was held back last time is due.
    const answered = this.#outbox.answered();
    const due = JSON.parse((await this.#memory.get('due')) ?? '[]') as string[];
    const missing = [...answered.map(({ kind, id }) => keyOf(kind, id)), ...due].filter((key) => !changes.has(key));
    (await this.#outbox.fetch([...new Set(missing)].map(unkeyed))).forEach(put);
    for (const { kind, id, entry } of answered) {
      const revoked = refused(entry.answer) && entry.mutations.some((one) => one.op === 'delete');
      if (revoked && !changes.get(keyOf(kind, id))?.deleted) await database.adapter.destroyDeletedRecords(this.#table(kind), [id]);
    }

    const held = unsent ? this.#dirty(waiting).filter((key) => changes.get(key)?.deleted) : [];
    held.forEach((key) => changes.delete(key));
    // Stored before it can count, beside the one that counts until then: wherever the process dies, the time finds its cursor.
    const timestamp = Math.max(Date.now(), last + 1);
    await this.#memory.set('due', JSON.stringify(unsent ? [...new Set([...due, ...held])] : []));
    await this.#memory.set('shown', JSON.stringify({ at: timestamp, keys: answered.map(({ kind, id }) => keyOf(kind, id)) }));
    await this.#memory.set('cursors', JSON.stringify({ ...(cursors[last] ? { [last]: cursors[last] } : {}), [timestamp]: cursor }));

    const pulled: Tables = Object.fromEntries(Object.keys(tables).map((table) => [table, { created: [], updated: [], deleted: [] }]));
    for (const change of changes.values()) {
      const table = this.#tableOf.get(change.kind);
      if (table === undefined) continue;
      if (change.deleted) pulled[table]?.deleted.push(change.id);
      else pulled[table]?.updated.push(this.#raw(table, recordOf(change)));
    }
    const override = Object.fromEntries(Object.keys(tables).map((table) => [table, 'replacement' as const]));
    return { changes: pulled, timestamp, ...(whole ? { experimentalStrategy: { default: 'incremental' as const, override } } : {}) };
  }

  /** All pages from the cursor on, and from the beginning if there is none or it has ended. */
  async #pages(from: string | undefined, put: (change: Change) => void): Promise<{ cursor: string; whole: boolean }> {
    for (let cursor = from, whole = from === undefined; ; ) {
      const { data, error } = await this.#options.api.GET('/v1/sync/changes', { params: { query: { cursor, limit: PAGE } } });
      if (data) {
        data.changes.forEach(put);
        if (!data.hasMore) return { cursor: data.cursor, whole };
        cursor = data.cursor;
      } else if (error.status === 410) {
        [cursor, whole] = [undefined, true];
      } else {
        throw new Refused(error);
      }
    }
  }

  /** Kinds whose tables or columns are new: what came earlier was dropped, so all of it is read again. */
  #migrated(migration: SyncPullArgs['migration']): Kind[] {
    const names = [...(migration?.tables ?? []), ...(migration?.columns ?? []).map(({ table }) => table)].map(String);
    return [...new Set(names.flatMap((table) => this.#options.tables[table] ?? []))];
  }

  async #whole(kind: Kind): Promise<Change[]> {
    const { data, error } = await this.#options.api.GET('/v1/sync/digest', { params: { query: { kind } } });
    if (!data) throw new Refused(error);
    return this.#outbox.fetch((data.records ?? []).map(({ id }) => ({ kind, id })));
  }

  /** What waits to be sent, as WatermelonDB itself would hand it over. */
  async #local(): Promise<Tables> {
    const { database, tables } = this.#options;
    const Q = await import('@nozbe/watermelondb/QueryDescription/index.js');
    const of = async (table: string) => {
      const rows = (status: string) => database.get(table).query(Q.where('_status', status)).fetch();
      const [created, updated] = [await rows('created'), await rows('updated')].map((all) => all.map((row) => ({ ...row._raw })));
      return [table, { created, updated, deleted: await database.adapter.getDeletedRecords(table) }] as const;
    };
    return Object.fromEntries(await Promise.all(Object.keys(tables).map(of))) as Tables;
  }

  #dirty(changes: Tables): string[] {
    return Object.entries(changes).flatMap(([table, of]) => of.updated.map((raw) => keyOf(this.#options.tables[table] ?? '', raw.id)));
  }

  /** Columns whose fate is known take the server's value; what was typed since stays, on the revision that its author saw. */
  #resolve(table: string, local: DirtyRaw, remote: DirtyRaw, resolved: DirtyRaw): DirtyRaw {
    if (local._status === 'synced' || local._status === 'deleted') return resolved;
    const kind = this.#options.tables[table];
    const entry = kind && this.#outbox.entry(kind, String(local.id));
    // A record that was made here and comes from there was taken as it was sent, whether or not the answer came.
    const known = entry?.answer || local._status === 'created' ? entry?.seen : undefined;
    const columns = local._status === 'created' ? Object.keys(remote) : String(local._changed).split(',').filter(Boolean);
    const open = columns.filter((name) => name !== 'id' && name !== 'revision' && (known ? known[name] !== local[name] : local._status !== 'created'));
    const typed = Object.fromEntries(open.map((name) => [name, local[name]]));
    if (!open.length) return { ...local, ...remote, _status: 'synced', _changed: '' };
    // Columns that are never sent say nothing about what their author saw of the others.
    const sent = open.some((name) => kind && (formOf(kind, camel(name)) || name === 'stage' || name === 'status'));
    if (!sent) return { ...local, ...remote, ...typed, _status: 'updated', _changed: open.join(',') };
    const own = entry?.answer?.status === 'applied' || !local['revision'] ? (entry?.answer?.revision ?? 1) : 0;
    return { ...local, ...remote, ...typed, revision: Math.max(own, Number(local['revision'] ?? 0)), _status: 'updated', _changed: open.join(',') };
  }

  // ---- rows

  #columns(table: string): Column[] {
    const own = this.#options.local?.[table] ?? [];
    return (this.#options.database.schema.tables[table]?.columnArray ?? []).filter((column) => !own.includes(column.name));
  }

  /** A record as its table keeps it. */
  #raw(table: string, record: Values): DirtyRaw {
    const raw: DirtyRaw = { id: record['id'] };
    for (const { name, type } of this.#columns(table)) {
      const value = record[camel(name)] ?? null;
      const kept = type === 'string' && typeof value === 'object' && value ? JSON.stringify(value) : value;
      raw[name] = type === 'number' && typeof kept === 'string' && /^\d{4}-\d\d-\d\dT/.test(kept) ? Date.parse(kept) : kept;
      const fits = raw[name] === null || typeof raw[name] === type;
      if (!fits) throw new Error(`${table}.${name}: a column of type ${type} cannot hold ${JSON.stringify(value)} without loss.`);
      if (Number.isInteger(raw[name]) && !Number.isSafeInteger(raw[name])) throw new Error(`${table}.${name}: ${value} is above 2^53.`);
    }
    return raw;
  }

  /** A row by the names and forms of the wire. */
  #record(table: string, kind: Kind, raw: DirtyRaw): Values {
    const record: Values = { id: raw.id };
    for (const { name } of this.#columns(table)) {
      const [field, value] = [camel(name), raw[name]];
      const form = formOf(kind, field);
      if (form === 'time' && typeof value === 'number') record[field] = new Date(value).toISOString();
      else if (form === 'object' && typeof value === 'string' && value) record[field] = JSON.parse(value);
      else record[field] = value;
    }
    return record;
  }

  #table(kind: Kind): string {
    return this.#tableOf.get(kind) as string;
  }
}

const refused = (answer: Answer | undefined): boolean => answer?.status === 'conflict' || answer?.status === 'rejected';

function unkeyed(key: string): { kind: Kind; id: string } {
  const [kind, id] = key.split('/') as [Kind, string];
  return { kind, id };
}
