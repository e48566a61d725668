// A manager's day at the pages, in a real browser. Started by the suite (tests/pages/browser.rs), which made the world
// that STORY tells of; ends with 1 and a reason where something is not as it should be.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DESK, PHONE, logIn, start } from './chromium.mjs';

const story = JSON.parse(process.env.STORY);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
await mkdir(story.screenshots, { recursive: true });

const shot = async (page, name) => {
  await page.evaluate(() => window.scrollTo(0, 0));
  return page.screenshot({ path: join(story.screenshots, `${name}.png`), fullPage: true });
};

/** Nothing serious or critical that axe finds. */
async function accessible(page, name) {
  // As a debugger does it: the page's own policy lets no such script in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe });
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: 'axe.run(document).then((r) => JSON.stringify(r.violations.map((v) => ({ id: v.id, impact: v.impact, nodes: v.nodes.map((n) => n.html.slice(0, 160) + " :: " + n.failureSummary) }))))',
    awaitPromise: true,
  });
  assert.ok(!exceptionDetails, JSON.stringify(exceptionDetails));
  const found = JSON.parse(result.value).filter((one) => ['serious', 'critical'].includes(one.impact));
  assert.deepEqual(found, [], `${name}: ${JSON.stringify(found, null, 1)}`);
}

/** Whatever a browser complains of, a refused script among it, and any dialog that a typed script would open. */
function listen(page) {
  const complaints = [];
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => complaints.push(`a dialog: ${dialog.message()}`) && dialog.dismiss());
  return complaints;
}

/** The pages of reports that have something to show here, with their pictures. */
const REPORTS = [
  ['funnel', ['funnel', 'standing']], ['activity', ['visits', 'reps', 'time']], ['coverage', ['coverage']], ['velocity', ['days', 'weeks', 'moves']],
  ['forecast', ['forecast']], ['lost', ['won', 'lost']], ['goals', ['quota']],
];

/** Every picture is drawn, and its table can be opened by keyboard. */
async function pictures(page, names) {
  for (const name of names) {
    const image = page.locator(`img[src*="/charts/${name}?"]`).first();
    await image.scrollIntoViewIfNeeded();
    await page.waitForFunction((one) => one.complete && one.naturalWidth > 0, await image.elementHandle());
    assert.ok((await image.getAttribute('alt')).length > 5, `${name} says what it shows`);
    const table = page.locator(`#table-${name}`);
    await table.locator('summary').focus();
    await page.keyboard.press('Enter');
    assert.ok(await table.locator('tbody tr').first().isVisible(), `${name} has its table`);
    await page.keyboard.press('Enter');
  }
}

const pushVisit = (summary) =>
  fetch(`${story.base}/v1/sync/mutations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${story.rep.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      deviceId: randomUUID(),
      mutations: [{
        mutationId: randomUUID(), kind: 'activity', op: 'create', recordId: randomUUID(),
        activity: { kind: 'visit', accountId: story.rep.account, occurred: story.now, summary },
      }],
    }),
  }).then((answer) => answer.json());

const DEVICES = [
  ['desk', { viewport: DESK }],
  ['phone', { viewport: PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }],
];

/** Nobody has to push the page aside to read it. */
async function fits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
}

const extraHTTPHeaders = { 'x-forwarded-for': story.place };

await start({ viewport: DESK, extraHTTPHeaders }, async (context) => {
  const page = await context.newPage();
  const complaints = listen(page);

  // The log-in.
  await page.goto(`${story.base}/holds`);
  await accessible(page, 'log-in');
  await shot(page, 'desk-login');
  await page.fill('#tenant', story.tenant);
  await page.fill('#email', story.email);
  await page.fill('#password', 'not the password');
  await page.click('button.primary');
  await page.waitForSelector('[role=alert]');
  await page.fill('#password', story.password);
  await page.click('button.primary');
  await page.waitForURL(`${story.base}/holds`);
  complaints.length = 0; // The refused log-in is one of them.
  assert.equal(await page.evaluate(() => document.cookie), '', 'no script sees a cookie');

  // The first view: light enough for a phone, and usable by keyboard.
  const session = await context.newCDPSession(page);
  let bytes = 0;
  session.on('Network.loadingFinished', (one) => (bytes += one.encodedDataLength));
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.goto(`${story.base}/`);
  await page.waitForSelector('#live[data-state=on]');
  assert.ok(bytes > 3000 && bytes < 100_000, `the first view is ${bytes} bytes`);
  const [{ transferSize }] = await page.evaluate(() => performance.getEntriesByType('navigation').map((one) => one.toJSON()));
  const waited = await page.evaluate(() => performance.getEntriesByType('resource').filter((one) => one.renderBlockingStatus === 'blocking').map((one) => one.name));
  assert.ok(transferSize > 0 && waited.length === 1 && waited[0].includes('.css'), `before anything is seen, a browser waits for ${waited}`);
  console.log(`first view: ${bytes} bytes`);
  await session.send('Network.setCacheDisabled', { cacheDisabled: false });
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await accessible(page, 'overview');
  await pictures(page, ['forecast', 'weeks']);
  await shot(page, 'desk-overview');

  // A phone pushes a visit, and it is there without a reload.
  await page.evaluate(() => (window.untouched = true));
  const summary = `Second visit ${randomUUID()}`;
  const pushed = await pushVisit(summary);
  assert.equal(pushed.results[0].status, 'applied', JSON.stringify(pushed));
  await page.getByText(summary).first().waitFor({ timeout: 15_000 });
  assert.equal(await page.evaluate(() => window.untouched), true, 'the page was not loaded again');
  await shot(page, 'desk-live');

  // Down to the team, the person, the opportunity and its timeline.
  await page.click('#groups a:has-text("North")');
  await page.waitForURL(`**/teams/${story.team}?months=*`);
  await accessible(page, 'team');
  await pictures(page, ['forecast', 'days']);
  await shot(page, 'desk-team');
  await page.click('#people a:has-text("Lin Wei")');
  await page.waitForURL(`**/people/${story.rep.id}?months=*`);
  await accessible(page, 'person');
  await pictures(page, ['forecast', 'days']);
  await shot(page, 'desk-person');
  await page.click(`a[href="/opportunities/${story.opportunity}"]`);
  await page.waitForSelector('.timeline li.move');
  await page.getByText('Visited Fibre for the campus').waitFor();
  await accessible(page, 'opportunity');
  await shot(page, 'desk-opportunity');
  // The customer, the way of the day, and the reports, now and as of a past day.
  await page.click('.head a[href^="/accounts/"]');
  await page.waitForSelector('#timeline');
  await accessible(page, 'account');
  await shot(page, 'desk-account');
  await page.goto(`${story.base}/people/${story.rep.id}/route`);
  await pictures(page, ['route']);
  await accessible(page, 'route');
  await shot(page, 'desk-route');
  await page.click('nav a[href="/reports/funnel"]');
  await page.waitForURL('**/reports/funnel');
  for (const [name, charts] of REPORTS) {
    await page.click(`.tabs a[href^="/reports/${name}"]`);
    await page.waitForURL(`**/reports/${name}*`);
    await pictures(page, charts);
    await accessible(page, name);
    await shot(page, `desk-${name}`);
  }
  await page.fill('#asOf', story.now.slice(0, 10));
  await page.click('form.ask button.primary');
  await page.waitForURL('**/reports/goals*asOf=*');
  await page.goto(`${story.base}/leads`);
  await page.getByText('Hopton').first().waitFor();
  await accessible(page, 'leads');
  await shot(page, 'desk-leads');
  await page.goto(`${story.base}/rules`);
  await accessible(page, 'rules');
  await page.goto(`${story.base}/digest`);
  await page.getByRole('heading', { name: 'Needs action' }).waitFor();
  await accessible(page, 'Monday summary');
  await shot(page, 'desk-digest');

  // An appeal.
  await page.goto(`${story.base}/appeals`);
  await page.getByText('The phone was being repaired').waitFor();
  await accessible(page, 'appeals');
  await shot(page, 'desk-appeals');
  await page.fill('input[name=reason]', 'Seen the repair slip');
  await page.click('form.decide button.primary');
  await page.waitForSelector('.done');
  assert.equal(await page.locator('form.decide').count(), 0, 'no appeal is left to decide');

  // A review.
  await page.click('nav a[href="/holds"]');
  await page.getByText('Showed the samples to Mr Li').first().waitFor();
  await accessible(page, 'holds');
  await shot(page, 'desk-holds');
  await page.fill('input[name=reason]', 'Seen the samples');
  await page.click('form.decide button.primary');
  await page.waitForSelector('.done');
  assert.equal(await page.locator('form.decide').count(), 0, 'nothing is left to decide');

  // Chinese, and dark.
  await page.goto(`${story.base}/`);
  await page.click('button[name=language][value=zh]');
  await page.waitForSelector('html[lang=zh-CN]');
  await page.getByRole('heading', { name: '转化漏斗' }).waitFor();
  await page.click('button[name=theme][value=dark]');
  await page.waitForSelector('html[data-theme=dark]');
  await accessible(page, 'overview, Chinese and dark');
  await shot(page, 'desk-overview-zh-dark');
  await page.emulateMedia({ media: 'print' });
  // Dark pictures are not for paper.
  await page.waitForFunction(() => [...document.querySelectorAll('figure.chart img')].every(
    (image) => image.complete && image.currentSrc.includes('theme=light')));
  await shot(page, 'print-overview');
  await page.emulateMedia({ media: null });
  assert.deepEqual(complaints, []);

  await page.click('.who button');
  await page.waitForURL(`${story.base}/login`);
  await page.goBack();
  await page.waitForSelector('#password');
});

await start({ viewport: PHONE, extraHTTPHeaders, isMobile: true, hasTouch: true, deviceScaleFactor: 2 }, async (context) => {
  const page = await context.newPage();
  const complaints = listen(page);
  await page.goto(`${story.base}/`);
  await accessible(page, 'log-in on a phone');
  await shot(page, 'phone-login');
  await logIn(page, story.base, story);
  for (const [name, path] of [
    ['overview', '/'], ['team', `/teams/${story.team}`], ['person', `/people/${story.rep.id}`], ['opportunity', `/opportunities/${story.opportunity}`],
    ['leads', '/leads'], ['holds', '/holds'], ['appeals', '/appeals'], ['rules', '/rules'], ['digest', '/digest'],
    ['route', `/people/${story.rep.id}/route`], ['account', `/accounts/${story.rep.account}`],
    ...REPORTS.map(([name]) => [name, `/reports/${name}`]),
  ]) {
    await page.goto(story.base + path);
    await fits(page, `${name} on a phone`);
    await accessible(page, `${name} on a phone`);
    await shot(page, `phone-${name}`);
  }
  assert.deepEqual(complaints, []);
});

// An administrator imports: tries, watches, takes home what was refused, does it for good.
for (const [device, options] of DEVICES) {
  await start({ ...options, extraHTTPHeaders }, async (context) => {
    const page = await context.newPage();
    const complaints = listen(page);
    await logIn(page, story.base, { ...story, email: story.admin });
    await page.click('nav a[href="/imports"]');
    await page.waitForURL(`${story.base}/imports`);
    await page.click('#mappings summary');
    await accessible(page, `imports (${device})`);
    await shot(page, `${device}-imports`);
    const rows = Array.from({ length: 2500 }, (_, n) => `${device}-${n},Product ${n},${n % 100 ? '1.50' : 'cheap'},CNY`);
    const buffer = Buffer.from(['externalId,name,listPrice,currency', ...rows].join('\n'));
    await page.setInputFiles('#file', { name: 'products.csv', mimeType: 'text/csv', buffer });
    await page.selectOption('#kind', 'product');
    await page.focus('button.primary');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/imports/*-*');
    await page.evaluate(() => (window.untouched = true));
    await page.getByText('This was a try').waitFor({ timeout: 60_000 });
    assert.equal(await page.evaluate(() => window.untouched), true, 'it came by itself');
    await fits(page, `the import (${device})`);
    await accessible(page, `an import (${device})`);
    await shot(page, `${device}-import`);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('a[download]')]);
    const refused = await readFile(await download.path(), 'utf8');
    assert.equal(refused.trim().split('\r\n').length, 26, refused.slice(0, 300));
    await page.click('button.primary');
    await page.locator('#import .chip.good').waitFor({ timeout: 60_000 });
    await page.click('button[name=language][value=zh]');
    await page.getByRole('heading', { name: '处理结果' }).waitFor();
    await shot(page, `${device}-import-zh`);
    await page.click('button[name=language][value=en]');
    assert.deepEqual(complaints, []);
  });
}

// An administrator tries rules on the past, and sees before and after.
for (const [device, options] of DEVICES) {
  await start({ ...options, extraHTTPHeaders }, async (context) => {
    const page = await context.newPage();
    const complaints = listen(page);
    await logIn(page, story.base, { ...story, email: story.admin });
    await page.goto(`${story.base}/rules/${story.draft}`);
    await page.click('form.filter button.primary');
    await page.waitForSelector('#simulation table.groups', { state: 'attached', timeout: 60_000 });
    await pictures(page, ['simulation']);
    await fits(page, `the simulation (${device})`);
    await accessible(page, `simulation (${device})`);
    await shot(page, `${device}-simulation`);
    assert.deepEqual(complaints, []);
  });
}

// A rep sees his own, and nobody else's.
await start({ viewport: PHONE, extraHTTPHeaders, colorScheme: 'dark', isMobile: true, hasTouch: true, deviceScaleFactor: 2 }, async (context) => {
  const page = await context.newPage();
  const complaints = listen(page);
  await logIn(page, story.base, { ...story, email: story.rep.email });
  await page.getByRole('heading', { name: 'My figures' }).waitFor();
  await pictures(page, ['forecast', 'weeks']);
  await accessible(page, 'a rep on a phone in the dark');
  await shot(page, 'phone-rep-dark');
  await page.goto(`${story.base}/people/${story.rep.id}`);
  await accessible(page, 'a rep about himself');
  await shot(page, 'phone-rep-himself-dark');
  assert.deepEqual(complaints, []);
  assert.equal((await page.goto(`${story.base}/digest`)).status(), 403, 'the summary is for who leads');
});

await start({ javaScriptEnabled: false, extraHTTPHeaders }, async (context) => {
  const page = await context.newPage();
  await logIn(page, story.base, story);
  assert.match(await page.textContent('#funnel'), /Fibre|Entered/);
  await page.click('button[name=language][value=zh]');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-CN', 'everything is there without script');
});

console.log(`screenshots in ${story.screenshots}`);
