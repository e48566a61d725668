// The README's picture: node tests/browser/picture.mjs, while `cargo run --release` shows its demo at the default address.

import { start, logIn } from './chromium.mjs';

const [base = 'http://127.0.0.1:8080', file = 'docs/dashboard.png'] = process.argv.slice(2);

await start({ viewport: { width: 1280, height: 860 }, colorScheme: 'light' }, async (context) => {
  const page = await context.newPage();
  await logIn(page, base, { tenant: 'demo', email: 'admin@demo.example', password: 'waypost-demo' });
  await page.waitForLoadState('load');
  await page.screenshot({ path: file });
  console.log(`${file} shows ${page.url()}`);
});
