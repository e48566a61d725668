// Fills the rep's tenant, for all trials.

import { env, leave, person, seed, timed } from './stage.js';

await timed('seeded', async () => seed(await person(env('WAYPOST_REP')), Number(env('WAYPOST_RECORDS'))));
leave();
