// RxDB over the sync protocol of docs/sync.md: a replication for each collection, all of them over one feed and one outbox.

import { Subject } from 'rxjs';
import { replicateRxCollection, type RxReplicationState } from 'rxdb/plugins/replication';
import type { RxCollection, RxDatabase, RxReplicationWriteToMasterRow, WithDeleted } from 'rxdb/plugins/core';
import { isId } from '../ids.js';
import { Refused, type Api } from '../link.js';
import { Feed } from './feed.js';
import { Outbox, type Answer, type Memory, type Write } from './outbox.js';
import {
  alteration, camel, creation, formOf, isWritten, keyOf, recordOf, REFERENCES, removal, same,
  type Change, type Clocks, type Kind, type Values, type WrittenKind,
} from './records.js';

/** A document of a collection: the record as it is on the wire. */
export type Doc = Values & { id: string };
type State = RxReplicationState<Doc, Checkpoint>;
type Row = RxReplicationWriteToMasterRow<Doc>;

/** How far a collection has read. `sweep`: its cursor had ended, so what did not come is to go. `shown`: refreshed documents. */
interface Checkpoint {
  cursor: string;
  sweep: boolean;
  shown: number;
}

export interface Options {
  database: RxDatabase;
  api: Api;
  /** Which kind each collection holds. The fields of its schema are those of the wire; `revision` must be among them. */
  collections: Record<string, Kind>;
  /** Until `stop`; otherwise once. */
  live?: boolean;
  retryTime?: number;
  batchSize?: number;
  clocks?: () => Clocks;
}

interface Due {
  last: number;
  records: { place: number; id: string }[];
}

const MEMORY = 'waypost_memory';

/** Replicates the collections. Ask `inSync` for the end of what is to be done, and `failed$` for what only a person can mend. */
export async function replicateWaypost(options: Options): Promise<Replication> {
  const { database } = options;
  if (!database.collections[MEMORY]) {
    const properties = { name: { type: 'string', maxLength: 100 }, value: { type: 'string' } };
    const schema = { version: 0, primaryKey: 'name', type: 'object', properties, required: ['name', 'value'] };
    await database.addCollections({ [MEMORY]: { schema } });
  }
  const kept = database.collections[MEMORY] as RxCollection<{ name: string; value: string }>;
  const memory: Memory = {
    get: async (name) => (await kept.findOne(name).exec())?.value,
    set: async (name, value) => void (await kept.incrementalUpsert({ name, value })),
  };
  return new Replication(options, memory);
}

export class Replication {
  readonly states: State[] = [];
  /** Refusals that no repetition mends, such as a session that has ended. Everything rests until `start`. */
  readonly failed$ = new Subject<Refused>();
  readonly #news = new Subject<'RESYNC'>();
  readonly #feed: Feed;
  readonly #collections = new Map<Kind, RxCollection<Doc>>();
  readonly #ended = new AbortController();
  #opened: Promise<Outbox> | undefined;
  #failure: Refused | undefined;
  readonly #dues = new Map<Kind, Due>();
  /** One push at a time, whatever the collections do. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(readonly options: Options, readonly memory: Memory) {
    this.#feed = new Feed(options.api);
    for (const [name, kind] of Object.entries(options.collections)) {
      const collection = options.database.collections[name] as RxCollection<Doc> | undefined;
      if (!collection) throw new Error(`collections: the database has no collection ${name}.`);
      if (!collection.schema.jsonSchema.properties['revision']) throw new Error(`${name}: its schema needs revision, an integer.`);
      this.#collections.set(kind, collection);
    }
    for (const [kind, collection] of this.#collections) this.states.push(this.#replicate(kind, collection));
  }

  /** Pulls now, beside what the server's events cause. */
  resync(): void {
    this.#news.next('RESYNC');
  }

  /** Nothing is left to send or to pull. Fails where only a person can help. */
  async inSync(): Promise<void> {
    if (this.#failure) throw this.#failure;
    const failed = new Promise<never>((_, fail) => this.failed$.subscribe(fail));
    // A write of one collection may bring records of another one: a refused write comes as a record of its own.
    for (let round = 0; round < 2; round += 1) {
      this.resync();
      await Promise.race([failed, Promise.all(this.states.map((state) => state.awaitInSync()))]);
    }
  }

  async start(): Promise<void> {
    this.#failure = undefined;
    await Promise.all(this.states.map((state) => state.start()));
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.states.map((state) => state.cancel()));
  }

  #replicate(kind: Kind, collection: RxCollection<Doc>): State {
    const { live = true, retryTime = 5000, batchSize = 500 } = this.options;
    return replicateRxCollection<Doc, Checkpoint>({
      replicationIdentifier: `waypost-${kind}`,
      collection,
      live,
      retryTime,
      pull: { batchSize, stream$: this.#news, handler: (checkpoint, size) => this.#lasting(() => this.#pull(kind, collection, checkpoint, size)) },
      ...(isWritten(kind) ? { push: { batchSize, handler: (rows: Row[]) => this.#lasting(() => this.#inTurn(() => this.#push(kind, collection, rows))) } } : {}),
    });
  }

  /** RxDB repeats whatever fails, for ever: what repeating does not mend stops everything and is told instead. */
  async #lasting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refused && error.problem.status < 500 && error.problem.status !== 429) {
        this.#failure = error;
        void Promise.all(this.states.map((state) => state.pause()));
        this.failed$.next(error);
      }
      throw error;
    }
  }

  /** What was sent, from the first request on: of several tabs only the one that leads comes here, and it alone listens. */
  #outbox(): Promise<Outbox> {
    if (!this.#opened) {
      this.#opened = Outbox.open(this.options.api, this.memory, this.options.clocks);
      if (this.options.live ?? true) void this.#feed.listen(() => this.resync(), this.#ended.signal);
    }
    return this.#opened;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  // ---- down

  async #pull(kind: Kind, collection: RxCollection<Doc>, checkpoint: Checkpoint | undefined, size: number) {
    const outbox = await this.#outbox();
    const from = checkpoint?.cursor;
    // RxDB forgets the checkpoint of an empty page: where the next one begins is kept here.
    const skip = JSON.parse((await this.memory.get(`skip ${kind}`)) ?? '{}') as { from?: string; to?: string };
    let cursor = skip.to !== undefined && skip.from === from ? skip.to : from;
    let sweep = checkpoint?.sweep ?? false;
    const found = new Map<string, Change>();
    let ended = false;
    while (!ended && found.size < size) {
      const page = await this.#feed.page(cursor);
      if (!page) {
        [cursor, sweep] = [undefined, true];
        found.clear();
        continue;
      }
      page.changes.filter((change) => change.kind === kind).forEach((change) => found.set(change.id, change));
      [cursor, ended] = [page.cursor, !page.hasMore];
    }
    let shown = checkpoint?.shown ?? 0;
    if (ended) {
      const due = await this.#due(kind, shown);
      const ids = due.map(({ id }) => id).filter((id) => !found.has(id));
      (await outbox.fetch(ids.map((id) => ({ kind, id })))).forEach((change) => found.set(change.id, change));
      shown = Math.max(shown, ...due.map(({ place }) => place));
      if (sweep) (await this.#surplus(kind, collection)).forEach((change) => found.set(change.id, change));
      sweep = false;
    }
    const documents = await this.#documents(collection, [...found.values()]);
    if (!documents.length) await this.memory.set(`skip ${kind}`, JSON.stringify({ from, to: cursor }));
    return { documents, checkpoint: { cursor: cursor as string, sweep, shown } };
  }

  /** What the device holds of a kind and the server does not show. What was made here and is not confirmed stays. */
  async #surplus(kind: Kind, collection: RxCollection<Doc>): Promise<Change[]> {
    const { data, error } = await this.options.api.GET('/v1/sync/digest', { params: { query: { kind } } });
    if (!data) throw new Refused(error);
    const right = new Set((data.records ?? []).map(({ id }) => id));
    const held = (await collection.find().exec()).filter((doc) => doc.get('revision') !== undefined && !right.has(doc.primary));
    return held.map((doc): Change => ({ kind, id: doc.primary, revision: 0, deleted: true }));
  }

  /** What is to be shown of a kind: records, by the place at which they were pushed. */
  async #dueOf(kind: Kind): Promise<Due> {
    const due = this.#dues.get(kind) ?? (JSON.parse((await this.memory.get(`due ${kind}`)) ?? '{"last":0,"records":[]}') as Due);
    this.#dues.set(kind, this.#dues.get(kind) ?? due);
    return this.#dues.get(kind) as Due;
  }

  /** Records that were pushed since. What a pull brought of them meanwhile was passed over, for they were changed here. */
  async #due(kind: Kind, shown: number): Promise<Due['records']> {
    const due = await this.#dueOf(kind);
    const before = due.records.length;
    due.records = due.records.filter(({ place }) => place > shown);
    if (due.records.length < before) await this.memory.set(`due ${kind}`, JSON.stringify(due));
    return due.records;
  }

  async #show(kind: Kind, ids: string[]): Promise<void> {
    if (!ids.length) return;
    const due = await this.#dueOf(kind);
    due.last += 1;
    due.records = [...due.records.filter(({ id }) => !ids.includes(id)), ...ids.map((id) => ({ place: due.last, id }))];
    await this.memory.set(`due ${kind}`, JSON.stringify(due));
    this.resync();
  }

  /** Records as documents. A tombstone is the document that is there, deleted: schemas ask for all of their fields. */
  async #documents(collection: RxCollection<Doc>, changes: Change[]): Promise<WithDeleted<Doc>[]> {
    const { properties, required = [] } = collection.schema.jsonSchema;
    const gone = changes.filter((change) => change.deleted).map((change) => change.id);
    const held = gone.length ? await collection.storageInstance.findDocumentsById(gone, true) : [];
    const known = new Map(held.map((doc) => [doc.id, doc as unknown as Values]));
    const blank = Object.fromEntries(required.map((name) => [name, { string: '', integer: 0, number: 0, boolean: false }[String(properties[name as keyof Doc]?.type)] ?? {}]));
    return changes.map((change) => {
      const record = change.deleted ? (known.get(change.id) ?? blank) : recordOf(change);
      const fields = Object.keys(properties).filter((name) => !name.startsWith('_') && record[name] !== undefined);
      return { ...Object.fromEntries(fields.map((name) => [name, record[name]])), id: change.id, _deleted: change.deleted };
    });
  }

  // ---- up

  /** Pushes a batch; the documents whose local state did not hold, as the server has them. */
  async #push(kind: WrittenKind, collection: RxCollection<Doc>, rows: Row[]): Promise<WithDeleted<Doc>[]> {
    const outbox = await this.#outbox();
    await outbox.settle();
    const writes: Write[] = [];
    const wrong: string[] = [];
    for (const { assumedMasterState: before, newDocumentState: after } of rows) {
      if (!isId(after.id)) throw new Error(`${collection.name}: the id ${after.id} is no UUID. Make ids with newId().`);
      // A record of the server's of which nothing is known any more: nobody can tell what was changed here.
      if (!before && after['revision'] !== undefined) wrong.push(after.id);
      else if (!before && after._deleted && !outbox.taken(kind, after.id)) continue;
      else {
        const write = this.#write(outbox, kind, before, after);
        if (write) writes.push(...(await this.#parents(outbox, write, after)), write);
        else wrong.push(after.id); // Only what the server stamps was changed: it stays as it was.
      }
    }
    const answers = await outbox.send([...new Map(writes.map((write) => [keyOf(write.kind, write.id), write])).values()]);
    const own = rows.map((row) => row.newDocumentState.id).filter((id) => answers.has(keyOf(kind, id)));
    wrong.push(...own.filter((id) => refused(answers.get(keyOf(kind, id)))));
    await this.#show(kind, own.filter((id) => !wrong.includes(id)));
    return this.#documents(collection, await outbox.fetch([...new Set(wrong)].map((id) => ({ kind, id }))));
  }

  #write(outbox: Outbox, kind: WrittenKind, before: Values | undefined, after: WithDeleted<Doc>): Write | undefined {
    const { id } = after;
    const made = outbox.taken(kind, id);
    if (after._deleted) return { kind, id, drafts: removal(kind, id) };
    let base = before;
    if (!base) {
      const drafts = creation(kind, after);
      if (!made || outbox.entry(kind, id)?.content === JSON.stringify(drafts)) return { kind, id, drafts };
      base = { ...Object.fromEntries(Object.entries(after).filter(([name]) => !formOf(kind, name))), ...(made[camel(kind)] as Values) };
    }
    const names = new Set([...Object.keys(base), ...Object.keys(after)]);
    const changed = [...names].filter((name) => !same(base[name], after[name]));
    const revision = (base['revision'] as number | undefined) ?? outbox.entry(kind, id)?.answer?.revision;
    const drafts = alteration(kind, after, changed, revision, base);
    return drafts.length ? { kind, id, drafts } : undefined;
  }

  /** The records that this one names, were made here and are not confirmed: collections come in any order, parents must not. */
  async #parents(outbox: Outbox, write: Write, record: Values): Promise<Write[]> {
    const parents: Write[] = [];
    for (const [field, kind] of REFERENCES) {
      const id = record[field];
      if (typeof id !== 'string' || id === write.id || outbox.entry(kind, id)) continue;
      const doc = (await this.#collections.get(kind)?.findOne(id).exec())?.toJSON() as Doc | undefined;
      if (!doc || doc['revision'] !== undefined) continue;
      const parent: Write = { kind, id, drafts: creation(kind, doc) };
      parents.push(...(await this.#parents(outbox, parent, doc)), parent);
    }
    return parents;
  }
}

const refused = (answer: Answer | undefined): boolean => answer?.status === 'conflict' || answer?.status === 'rejected';
