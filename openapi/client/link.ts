// The way to the server: a generated client whose every request carries a token that is good now, and is sent again, after a
// random and growing pause, while the outcome is unknown.

import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './generated/schema.js';

/** What outlives the process: who is logged in, and what shows the server that this device has been there before. */
type Kept = 'refreshToken' | 'deviceToken';
export interface Session {
  get(name: Kept): string | undefined | Promise<string | undefined>;
  set(name: Kept, value: string): void | Promise<void>;
}

type Json = 'application/json' | 'application/problem+json';
export type Api = Client<paths, Json>;

/** What the server says when it says no. */
export class Refused extends Error {
  constructor(readonly problem: components['schemas']['Problem']) {
    super(`${problem.title}: ${problem.detail ?? problem.type}`);
  }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const TRIES = 8;
const PATIENCE = 15_000;
const [FIRST, LONGEST] = [200, 30_000];

/** Sends until an answer comes that tells the outcome. All that the protocol sends may be sent twice. */
async function persistently(request: Request, tries = TRIES): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    let asked = 0;
    // A timer of our own: Node does not stay alive for `AbortSignal.timeout`, nor for a request whose connection broke.
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      const response = await fetch(request.clone(), { signal: patience.signal });
      // 500 and 503: the outcome is unknown. 429: nothing was done.
      if (response.status < 500 && response.status !== 429) return response;
      if (attempt === tries) return response;
      asked = 1000 * Number(response.headers.get('Retry-After') ?? 0);
    } catch (error) {
      if (attempt === tries) throw error;
    } finally {
      clearTimeout(timer);
    }
    await pause(asked + Math.random() * Math.min(LONGEST, FIRST * 2 ** attempt));
  }
}

/** A client for a user who has logged in on this device. `tries`: how often a request is sent before it fails. */
export function connect(url: string, store: Session, tries = TRIES): Api {
  const open = createClient<paths, Json>({ baseUrl: url, fetch: (request) => persistently(request, tries) });
  let token: string | undefined;
  let renewing: Promise<string> | undefined;
  const renew = async (): Promise<string> => {
    const refreshToken = await store.get('refreshToken');
    if (!refreshToken) throw new Error('Nobody has logged in on this device.');
    for (;;) {
      const { data, error } = await open.POST('/v1/auth/refresh', { body: { refreshToken } });
      if (data) {
        await store.set('refreshToken', data.refreshToken);
        return (token = data.accessToken);
      }
      // The answer to an earlier use was lost, as when this process was killed: the server wants ten seconds between.
      if (error.status !== 409) throw new Refused(error);
      await pause(11_000);
    }
  };
  // A refresh token is good once: requests that need one at the same time share it.
  const renewed = () => (renewing ??= renew().finally(() => (renewing = undefined)));
  return createClient<paths, Json>({
    baseUrl: url,
    fetch: async (request) => {
      const send = (bearer: string) => {
        const signed = request.clone();
        signed.headers.set('Authorization', `Bearer ${bearer}`);
        return persistently(signed, tries);
      };
      const used = token ?? (await renewed());
      const response = await send(used);
      if (response.status !== 401) return response;
      return send(token === used || !token ? await renewed() : token);
    },
  });
}

export async function logIn(url: string, store: Session, login: components['schemas']['Login']): Promise<void> {
  const open = createClient<paths, Json>({ baseUrl: url, fetch: (request) => persistently(request) });
  const deviceToken = await store.get('deviceToken');
  const { data, error } = await open.POST('/v1/auth/login', { body: deviceToken ? { ...login, deviceToken } : login });
  if (!data) throw new Refused(error);
  if (data.deviceToken) await store.set('deviceToken', data.deviceToken);
  await store.set('refreshToken', data.refreshToken);
}
