// How quick the first view is on a phone: a running demo, a cold cache, a processor four times slower than this one and a
// network such as phones have (1.6 Mbit/s, 150 ms for each request), beside the least that such a phone could need: the same
// bytes in two requests, one after the other, since a page names its style sheet. Both include what the server needs.
//   node tests/browser/quick.mjs http://127.0.0.1:8080 <tenant> <email> <password>

import { PHONE, logIn, start } from './chromium.mjs';

const [base, tenant, email, password] = process.argv.slice(2);
const TIMES = 7;
const NETWORK = { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 };

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

await start({ viewport: PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }, async (context) => {
  const page = await context.newPage();
  await logIn(page, base, { tenant, email, password });
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await session.send('Network.emulateNetworkConditions', NETWORK);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const views = { 'the overview': '/', 'stage velocity': '/reports/velocity', 'the lead pool': '/leads' };
  console.log(`| first view, median of ${TIMES} | least, ms | first paint, ms | least / first paint |\n| --- | ---: | ---: | ---: |`);
  for (const [name, path] of Object.entries(views)) {
    const [least, painted] = [[], []];
    for (let n = 0; n < TIMES; n += 1) {
      await page.goto(base + path, { waitUntil: 'load' });
      painted.push(await page.evaluate(async () => {
        while (performance.getEntriesByName('first-contentful-paint').length === 0) await new Promise((on) => setTimeout(on, 20));
        return performance.getEntriesByName('first-contentful-paint')[0].startTime;
      }));
      const sheet = await page.getAttribute('link[rel=stylesheet]', 'href');
      least.push(await page.evaluate(async ([self, sheet]) => {
        const begins = performance.now();
        await (await fetch(self)).text();
        await (await fetch(sheet, { cache: 'no-store' })).text();
        return performance.now() - begins;
      }, [path, sheet]));
    }
    const [limit, own] = [median(least), median(painted)];
    console.log(`| ${name} | ${limit.toFixed(0)} | ${own.toFixed(0)} | ${(limit / own).toFixed(2)} |`);
  }
});
