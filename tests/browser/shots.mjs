// Looks at several pages of a running demo, at desk and phone size, in both languages and colours:
// node tests/browser/shots.mjs http://127.0.0.1:8080 target/screenshots [path …]

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DESK, PHONE, logIn, start } from './chromium.mjs';

const [base = 'http://127.0.0.1:8080', folder = 'target/screenshots', ...paths] = process.argv.slice(2);
await mkdir(folder, { recursive: true });

for (const [name, options] of [
  ['desk', { viewport: DESK, colorScheme: 'light' }],
  ['phone-dark', { viewport: PHONE, colorScheme: 'dark', locale: 'zh-CN', isMobile: true, deviceScaleFactor: 2 }],
]) {
  await start(options, async (context) => {
    const page = await context.newPage();
    page.on('console', (line) => console.log(name, line.type(), line.text()));
    // A style sheet that is being worked on, in place of the one in the binary.
    if (process.env.CSS) await page.route('**/assets/*.css', (route) => route.fulfill({ path: process.env.CSS, contentType: 'text/css' }));
    await page.goto(`${base}/login`);
    await page.screenshot({ path: join(folder, `${name}-login.png`) });
    await logIn(page, base, { tenant: 'demo', email: process.env.AS ?? 'admin@demo.example', password: 'waypost-demo' });
    if (name === 'phone-dark') await page.click('button[name=language][value=zh]');
    const first = await page.evaluate(() => [...document.querySelectorAll('a[href^="/teams/"],a[href^="/people/"],a[href^="/opportunities/"],a[href^="/accounts/"]')].map((a) => a.getAttribute('href')));
    const one = (kind) => first.find((path) => path.startsWith(kind));
    for (const path of paths.length ? paths : ['/', one('/teams/'), one('/people/'), one('/opportunities/'), one('/accounts/'), '/reports/funnel?split=team&compare=before', '/reports/activity', '/reports/lost'].filter(Boolean)) {
      const began = Date.now();
      await page.goto(base + path);
      // Pictures are drawn when they come into sight.
      for (const image of await page.locator('img[loading=lazy]').all()) {
        await image.scrollIntoViewIfNeeded();
        await page.waitForFunction((one) => one.complete, await image.elementHandle());
      }
      await page.evaluate(() => window.scrollTo(0, 0));
      await page.screenshot({ path: join(folder, `${name}-${path.split('?')[0].replaceAll('/', '_')}.png`), fullPage: true });
      console.log(name, path, `${Date.now() - began} ms`, (await page.title()));
    }
  });
}
