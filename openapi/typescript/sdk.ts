// The story with the class that @hey-api/openapi-ts generates.

import { createClient } from './generated/sdk/client/index.js';
import { Waypost } from './generated/sdk/sdk.gen.js';
import { tell } from './story.js';

await tell((baseUrl, token) => {
  const waypost = new Waypost({ client: createClient({ baseUrl, auth: token }) });
  return {
    login: (body) => waypost.login({ body }),
    pull: (cursor, limit) => waypost.pullChanges({ query: { cursor, limit } }),
    push: (body) => waypost.pushMutations({ body }),
    updateAccount: (id, ifMatch, body) =>
      waypost.updateAccount({ path: { id }, headers: { 'if-match': ifMatch }, body }),
    getOpportunity: (id) => waypost.getOpportunity({ path: { id } }),
    putContent: (id, file) => waypost.putAttachmentContent({ path: { id }, body: { file } }),
  };
});
