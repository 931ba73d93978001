// The pictures of docs/explorer.md: node scripts/pictures.mjs [http://localhost:8080/]
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const base = process.argv[2] ?? 'http://localhost:8080/';
const docs = fileURLToPath(new URL('../../../docs/', import.meta.url));

const browser = await chromium.launch({
  executablePath: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync),
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

async function picture(name, hash, colorScheme, height, ready) {
  const page = await browser.newPage({ viewport: { width: 1320, height }, colorScheme });
  await page.goto(base + hash);
  await page.waitForSelector(ready);
  await page.waitForTimeout(name === 'models' ? 14_000 : 2500); // until the picture at the top has come to its end
  await page.screenshot({ path: `${docs}explorer-${name}.png` });
  await page.close();
}

await picture('models', '', 'light', 900, '.card canvas');
await picture('density', '#/two-moons/density?at=0.5,0.25', 'dark', 930, 'canvas.plane');
await picture('rows', '#/breast-cancer/rows?example=1', 'light', 1120, '.reasons');
await browser.close();
