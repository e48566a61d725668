// A company's identity provider: oidc-provider with the people that a test tells it of. Only the log-in form is left out: who
// sits at the browser is said by the header `x-account`. PORT (0: any) and CLIENTS come from the environment; `PUT /people/<id>`
// sets somebody's claims. Prints its issuer when it is there, and ends when its standard input does.

import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const people = new Map();

// With new keys at each start.
const keys = [];
for (const [alg, kid] of [['RS256', 'rsa'], ['ES256', 'elliptic']]) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  keys.push({ ...(await exportJWK(privateKey)), alg, kid: `${kid}-${Date.now()}`, use: 'sig' });
}

const server = createServer();
await new Promise((there) => server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', there));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: JSON.parse(process.env.CLIENTS),
  jwks: { keys },
  cookies: { keys: ['only for tests'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'locale'], groups: ['groups', 'realm_access'] },
  // `IN_TOKEN`: claims are in the ID token itself, as many providers have them, and not only where they are asked for.
  conformIdTokenClaims: process.env.IN_TOKEN !== 'yes',
  features: { devInteractions: { enabled: false }, userinfo: { enabled: true } },
  interactions: { url: (_, interaction) => `/enter/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id) }) }),
});

async function enter(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const accountId = request.headers['x-account'];
  if (!accountId) {
    const error = { error: 'access_denied', error_description: 'nobody is here' };
    return provider.interactionFinished(request, response, error);
  }
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { login: { accountId }, consent });
}

async function person(request, response) {
  let text = '';
  for await (const chunk of request) text += chunk;
  people.set(decodeURIComponent(request.url.slice('/people/'.length)), JSON.parse(text));
  response.writeHead(204).end();
}

const rest = provider.callback();
server.on('request', (request, response) => {
  if (request.method === 'PUT' && request.url.startsWith('/people/')) return person(request, response);
  if (request.url.startsWith('/enter/')) {
    return enter(request, response).catch((cause) => response.writeHead(500).end(String(cause)));
  }
  return rest(request, response);
});

console.log(issuer);
process.stdin.resume().on('end', () => process.exit(0));
