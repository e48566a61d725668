// Debian's Chromium, as playwright-core drives it. Where it is not installed, `start` fails and says so.

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

export const DESK = { width: 1366, height: 900 };
export const PHONE = { width: 390, height: 844 };

/** A browser with a profile of its own, which is gone after `work`. */
export async function start(options, work) {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is not there: apt-get install chromium`);
  const profile = await mkdtemp(join(tmpdir(), 'waypost-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM, headless: true, args: FLAGS, viewport: DESK, locale: 'en-GB', ...options,
  });
  try {
    return await work(context);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** Logs in by the form, as a person does. */
export async function logIn(page, base, { tenant, email, password }) {
  await page.goto(`${base}/`);
  await page.fill('#tenant', tenant);
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('button.primary');
  await page.waitForSelector('.frame');
}
