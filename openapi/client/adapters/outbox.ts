// What was sent and what came of it. A write is put down before it is sent, with ids that follow from what it says: after a lost
// reply it goes out again as it was and is recognised, while a later change of the same record is another mutation.

import { Refused, type Api } from '../link.js';
import { idOf } from '../ids.js';
import { keyOf, WRITTEN, type Change, type Clocks, type Draft, type Mutation, type Values, type WrittenKind } from './records.js';
import type { components } from '../generated/schema.js';

type Result = components['schemas']['MutationResult'];

/** Keeps texts by name for as long as the replica lives, in the same place. */
export interface Memory {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Promise<void>;
}

/** What became of a record's write: the worst of its mutations. */
export interface Answer {
  status: Result['status'];
  revision?: number | undefined;
  /** Where it was refused: the problem's type. */
  problem?: string | undefined;
}

/** One record's write. `seen`: the values as the replica held them, for the adapter's own use. */
export interface Write {
  kind: WrittenKind;
  id: string;
  drafts: Draft[];
  seen?: Values;
}

export interface Entry {
  mutations: Mutation[];
  content: string;
  seen?: Values;
  answer?: Answer;
}

/** The server's limits for one push, and room for what is around the mutations. */
const MOST = 500;
const LARGEST = 5 * 1024 * 1024 - 4096;
/** Records whose result is remembered. */
const REMEMBERED = 5_000;

const RANKS: Result['status'][] = ['applied', 'merged', 'conflict', 'rejected'];

export class Outbox {
  #entries = new Map<string, Entry>();
  #deviceId = '';

  private constructor(readonly api: Api, readonly memory: Memory, readonly clocks: () => Clocks) {}

  static async open(api: Api, memory: Memory, clocks: () => Clocks = () => ({ wall: new Date().toISOString() })): Promise<Outbox> {
    const outbox = new Outbox(api, memory, clocks);
    outbox.#deviceId = (await memory.get('deviceId')) ?? crypto.randomUUID();
    await memory.set('deviceId', outbox.#deviceId);
    outbox.#entries = new Map(JSON.parse((await memory.get('outbox')) ?? '[]') as [string, Entry][]);
    return outbox;
  }

  entry(kind: string, id: string): Entry | undefined {
    return this.#entries.get(keyOf(kind, id));
  }

  /** What the server has been told of this record and took: the fields, if it took them all as they were. */
  taken(kind: string, id: string): Values | undefined {
    const entry = this.entry(kind, id);
    const made = entry?.answer && entry.answer.status !== 'rejected' && entry.mutations.find((one) => one.op === 'create');
    return made ? (made as unknown as Values) : undefined;
  }

  /** The records that have a result. */
  answered(): { kind: WrittenKind; id: string; entry: Entry }[] {
    return [...this.#entries].filter(([, entry]) => entry.answer).map(([key, entry]) => {
      const [kind, id] = key.split('/') as [WrittenKind, string];
      return { kind, id, entry };
    });
  }

  async forget(records: { kind: string; id: string }[]): Promise<void> {
    if (!records.length) return;
    records.forEach((record) => this.#entries.delete(keyOf(record.kind, record.id)));
    await this.#keep();
  }

  /** Learns the outcome of what was sent before: nothing new is made of a record while that is unknown. */
  async settle(): Promise<void> {
    await this.#push([...this.#entries].filter(([, entry]) => !entry.answer).map(([key]) => key));
  }

  /**
   * Sends writes and tells what became of each. What has been sent just like this since the record's base is not sent again.
   * `epoch` sets apart what would otherwise say the same: the same value, typed again later.
   */
  async send(writes: Write[], epoch = ''): Promise<Map<string, Answer>> {
    await this.settle();
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= REMEMBERED) break;
      if (entry.answer) this.#entries.delete(key);
    }
    const sorted = [...writes].sort((one, other) => WRITTEN.indexOf(one.kind) - WRITTEN.indexOf(other.kind));
    for (const { kind, id, drafts, seen } of sorted) {
      const key = keyOf(kind, id);
      const [before, content] = [this.#entries.get(key), JSON.stringify(drafts)];
      if (before?.content === content) continue;
      const last = before?.mutations.at(-1)?.mutationId ?? '';
      const mutations = drafts.map((draft, place): Mutation => {
        return { ...draft, mutationId: idOf(JSON.stringify([this.#deviceId, epoch, last, place, draft])) };
      });
      this.#entries.delete(key); // The youngest stand last.
      this.#entries.set(key, { mutations, content, ...(seen ? { seen } : {}) });
    }
    const keys = sorted.map(({ kind, id }) => keyOf(kind, id));
    await this.#keep();
    await this.#push(keys.filter((key) => !this.#entries.get(key)?.answer));
    return new Map(keys.map((key) => [key, this.#entries.get(key)?.answer as Answer]));
  }

  /** The records as the server shows them now; what is not there comes as a tombstone. */
  async fetch(records: { kind: Change['kind']; id: string }[]): Promise<Change[]> {
    const changes: Change[] = [];
    for (let from = 0; from < records.length; from += MOST) {
      const body = { records: records.slice(from, from + MOST).map(({ kind, id }) => ({ kind, id })) };
      const { data, error } = await this.api.POST('/v1/sync/records', { body });
      if (!data) throw new Refused(error);
      changes.push(...data.changes);
    }
    return changes;
  }

  async #push(keys: string[]): Promise<void> {
    for (let at = 0, most = MOST; at < keys.length; ) {
      const part = this.#part(keys.slice(at), most);
      const mutations = part.flatMap((key) => this.#entries.get(key)?.mutations ?? []);
      const body = { deviceId: this.#deviceId, sent: this.clocks(), mutations };
      const { data, error } = await this.api.POST('/v1/sync/mutations', { body });
      if (data) {
        const results = new Map(data.results.map((result) => [result.mutationId, result]));
        part.forEach((key) => this.#settle(key, results));
        await this.#keep();
        at += part.length;
      } else if (error.status === 413 && part.length > 1) {
        most = Math.ceil(Math.min(most, mutations.length) / 2);
      } else {
        throw new Refused(error);
      }
    }
  }

  /** As many of the records as one push takes, but one at least. */
  #part(keys: string[], most: number): string[] {
    const part: string[] = [];
    let [count, size] = [0, 0];
    for (const key of keys) {
      const mutations = this.#entries.get(key)?.mutations ?? [];
      count += mutations.length;
      size += new TextEncoder().encode(JSON.stringify(mutations)).length;
      if (part.length && (count > most || size > LARGEST)) break;
      part.push(key);
    }
    return part;
  }

  #settle(key: string, results: Map<string, Result>): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    const own = entry.mutations.flatMap((one) => results.get(one.mutationId) ?? []);
    const worst = Math.max(0, ...own.map((result) => RANKS.indexOf(result.status)));
    const revision = Math.max(0, ...own.map((result) => result.revision ?? 0)) || undefined;
    const problem = own.find((result) => result.problem)?.problem?.type;
    entry.answer = { status: RANKS[worst] ?? 'rejected', revision, problem };
  }

  async #keep(): Promise<void> {
    await this.memory.set('outbox', JSON.stringify([...this.#entries]));
  }
}
