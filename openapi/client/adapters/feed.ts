// One pull for all collections: pages are fetched once and each collection takes its kind out of them at its own pace.

import { Refused, type Api } from '../link.js';
import type { Change } from './records.js';

export interface Page {
  changes: Change[];
  cursor: string;
  hasMore: boolean;
}

const SIZE = 1000;
/** Pages that are kept for collections that come later; who is later still fetches its page again. */
const KEPT = 12;

export class Feed {
  readonly #pages = new Map<string, Promise<Page | undefined>>();

  constructor(readonly api: Api) {}

  /** The page after a cursor; undefined where the cursor has ended. */
  page(cursor: string | undefined): Promise<Page | undefined> {
    const key = cursor ?? '';
    const known = this.#pages.get(key);
    if (known) return known;
    const coming = this.#fetch(cursor);
    this.#pages.set(key, coming);
    for (const old of [...this.#pages.keys()].slice(0, -KEPT)) this.#pages.delete(old);
    coming.then((page) => {
      if (!page) this.#pages.clear(); // The other pages are of the same age.
      if (!page) this.#pages.set(key, coming);
      if (page && !page.hasMore) this.#pages.delete(key); // The end of the feed is asked for anew each time.
    }, () => this.#pages.delete(key));
    return coming;
  }

  async #fetch(cursor: string | undefined): Promise<Page | undefined> {
    const { data, error } = await this.api.GET('/v1/sync/changes', { params: { query: { cursor, limit: SIZE } } });
    if (!data && error.status === 410) return undefined;
    if (!data) throw new Refused(error);
    return data;
  }

  /** Calls `moved` whenever the server has something new, and each time that the stream was broken. Ends with `signal`. */
  async listen(moved: () => void, signal: AbortSignal): Promise<void> {
    for (let failed = 0; !signal.aborted; failed += 1) {
      try {
        const { data } = await this.api.GET('/v1/sync/events', { parseAs: 'stream' });
        const reader = (data as unknown as ReadableStream<Uint8Array> | undefined)?.getReader();
        const stop = () => void reader?.cancel().catch(() => undefined);
        signal.addEventListener('abort', stop);
        for (let told = ''; reader && !signal.aborted; ) {
          const { done, value } = await reader.read();
          if (done) break;
          failed = 0;
          const lines = (told + new TextDecoder().decode(value)).split('\n');
          told = lines.pop() ?? '';
          if (lines.some((line) => line.startsWith('data:'))) moved();
        }
        signal.removeEventListener('abort', stop);
      } catch {
        // Whatever broke it: data comes by pull, and the next connection tells the head at once.
      }
      if (signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(60_000, 1000 * 2 ** failed)));
    }
  }
}
