// What a device keeps, in one SQLite file: the replica, the queue of what its user wrote, and how far it has read.
// Every method is one transaction, so a process that is killed anywhere leaves a file from which the next one goes on.

import Database from 'libsql';
import { randomUUID } from 'node:crypto';
import type { components } from './generated/schema.js';

type Schemas = components['schemas'];
export type Change = Schemas['SyncChange'];
export type Kind = Schemas['Kind'];
export type Mutation = Schemas['Mutation'];
export interface Held { id: string; revision: number }

/** Plain values that outlive the process. */
type Setting = 'deviceId' | 'cursor' | 'paging' | 'head' | 'round' | 'sweeping' | 'refreshToken' | 'deviceToken';

export class Store {
  readonly #db: Database.Database;

  constructor(file: string) {
    this.#db = new Database(file);
    this.#db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA busy_timeout = 5000;
      CREATE TABLE IF NOT EXISTS record (
        kind TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, round INTEGER NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (kind, id));
      CREATE TABLE IF NOT EXISTS queue (place INTEGER PRIMARY KEY AUTOINCREMENT, mutation_id TEXT NOT NULL UNIQUE, mutation TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
      INSERT INTO setting VALUES ('deviceId', '${randomUUID()}'), ('round', '0') ON CONFLICT DO NOTHING;`);
  }

  get(name: Setting): string | undefined {
    const row = this.#db.prepare('SELECT value FROM setting WHERE name = ?').get(name) as { value: string } | undefined;
    return row?.value;
  }

  set(name: Setting, value: string | undefined): void {
    if (value === undefined) this.#db.prepare('DELETE FROM setting WHERE name = ?').run(name);
    else this.#db.prepare('INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value').run(name, value);
  }

  /** Puts writes at the end of the queue. When this returns, they are on disk. */
  enqueue(mutations: Mutation[]): void {
    const insert = this.#db.prepare('INSERT INTO queue (mutation_id, mutation) VALUES (?, ?)');
    this.#together(() => mutations.forEach((one) => insert.run(one.mutationId, JSON.stringify(one))));
  }

  /** The oldest writes that have no result yet. */
  queued(most: number): Mutation[] {
    const rows = this.#db.prepare('SELECT mutation FROM queue ORDER BY place LIMIT ?').all(most) as { mutation: string }[];
    return rows.map((row) => JSON.parse(row.mutation) as Mutation);
  }

  /** Drops what has a result. What was refused comes back by pull, as a rejected write. */
  settle(results: Schemas['MutationResult'][]): void {
    const drop = this.#db.prepare('DELETE FROM queue WHERE mutation_id = ?');
    this.#together(() => results.forEach((result) => drop.run(result.mutationId)));
  }

  /**
   * A page and its cursor, together. After the last page of a fresh start, what did not come is gone. True: everything
   * up to the head is here. Only a pull in one page ends there: while several were read, maybe by a process before this
   * one, the head moved on.
   */
  apply(page: Schemas['SyncPage']): boolean {
    const whole = !page.hasMore && !this.get('paging');
    this.#together(() => {
      this.#put(page.changes);
      this.set('cursor', page.cursor);
      this.set('paging', page.hasMore ? 'yes' : undefined);
      if (page.hasMore) return;
      this.set('head', whole ? String(page.head) : undefined);
      if (this.get('sweeping')) this.#db.prepare('DELETE FROM record WHERE round < ?').run(this.#round());
      this.set('sweeping', undefined);
    });
    return whole;
  }

  /** Begins to read from nothing; the queue stays, and so does the replica until all of it has come anew. */
  restart(): void {
    this.#together(() => {
      this.set('cursor', undefined);
      this.set('paging', undefined);
      this.set('round', String(this.#round() + 1));
      this.set('sweeping', 'yes');
    });
  }

  /** Makes one kind what the digest lists: takes what was fetched and removes what is not listed. */
  repair(kind: Kind, listed: Held[], fetched: Change[]): void {
    const right = new Set(listed.map((record) => record.id));
    const remove = this.#db.prepare('DELETE FROM record WHERE kind = ? AND id = ?');
    this.#together(() => {
      this.#put(fetched);
      this.held(kind).filter((record) => !right.has(record.id)).forEach((record) => remove.run(kind, record.id));
    });
  }

  /** Ids and revisions of a kind, in the order in which the checksum reads them. */
  held(kind: Kind): Held[] {
    return this.#db.prepare('SELECT id, revision FROM record WHERE kind = ? ORDER BY id').all(kind) as Held[];
  }

  kinds(): Kind[] {
    const rows = this.#db.prepare('SELECT DISTINCT kind FROM record ORDER BY kind').all() as { kind: Kind }[];
    return rows.map((row) => row.kind);
  }

  /** A kind as its user sees it: the replica with his own unsent writes on top. */
  view(kind: Kind): Map<string, Record<string, unknown>> {
    const member = kind.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const rows = this.#db.prepare('SELECT id, document FROM record WHERE kind = ?').all(kind) as { id: string; document: string }[];
    const seen = new Map(rows.map((row) => [row.id, (JSON.parse(row.document) as Record<string, Record<string, unknown>>)[member] ?? {}]));
    for (const mutation of this.queued(-1).filter((one) => one.kind === kind)) {
      if (mutation.op === 'delete') seen.delete(mutation.recordId);
      if (mutation.op !== 'create' && mutation.op !== 'update') continue;
      const fields = (mutation as unknown as Record<string, Record<string, unknown> | undefined>)[member];
      const before = seen.get(mutation.recordId);
      const record: Record<string, unknown> = { ...before, ...fields, id: mutation.recordId };
      mutation.clear?.forEach((field) => delete record[field]);
      // The company's own fields are set one by one; an empty text empties.
      const custom = Object.entries({ ...(before?.['custom'] ?? {}), ...(fields?.['custom'] ?? {}) }).filter(([, text]) => text);
      if (custom.length) record['custom'] = Object.fromEntries(custom);
      else delete record['custom'];
      seen.set(mutation.recordId, record);
    }
    return seen;
  }

  #round(): number {
    return Number(this.get('round'));
  }

  #put(changes: Change[]): void {
    const remove = this.#db.prepare('DELETE FROM record WHERE kind = ? AND id = ?');
    const put = this.#db.prepare('INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?)');
    for (const change of changes) {
      if (change.deleted) remove.run(change.kind, change.id);
      else put.run(change.kind, change.id, change.revision, this.#round(), JSON.stringify(change));
    }
  }

  #together(work: () => void): void {
    this.#db.transaction(work).immediate();
  }
}
