// The story with openapi-fetch over the types of openapi-typescript.

import createClient from 'openapi-fetch';
import type { paths } from './generated/schema.js';
import { tell } from './story.js';

await tell((baseUrl, token) => {
  const client = createClient<paths, 'application/json' | 'application/problem+json'>({ baseUrl });
  client.use({
    onRequest({ request }) {
      if (token()) request.headers.set('Authorization', `Bearer ${token()}`);
    },
  });
  return {
    login: (body) => client.POST('/v1/auth/login', { body }),
    pull: (cursor, limit) => client.GET('/v1/sync/changes', { params: { query: { cursor, limit } } }),
    push: (body) => client.POST('/v1/sync/mutations', { body }),
    updateAccount: (id, ifMatch, body) =>
      client.PATCH('/v1/accounts/{id}', { params: { path: { id }, header: { 'If-Match': ifMatch } }, body }),
    getOpportunity: (id) => client.GET('/v1/opportunities/{id}', { params: { path: { id } } }),
    putContent: (id, file) => {
      const form = new FormData();
      form.append('file', file);
      // The document says a text, as every file is one to it; what is sent is the form.
      const body = { file: '' };
      return client.PUT('/v1/attachments/{id}/content', { params: { path: { id } }, body, bodySerializer: () => form });
    },
  };
});
