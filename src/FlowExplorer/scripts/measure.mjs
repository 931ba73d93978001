// How fast the page is: node scripts/measure.mjs [http://localhost:8080/] measures in a headless Chromium what a hand sees.
// A slider's latency is the time from its move to the frame that shows the answer.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const base = process.argv[2] ?? 'http://localhost:8080/';
const Moves = 60, Loads = 7;

const browser = await chromium.launch({
  executablePath: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync),
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)];

async function firstPaint() {
  const times = [];
  let bytes = 0;
  for (let i = 0; i < Loads; i++) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await page.goto(base);
    await page.waitForSelector('.card canvas');
    times.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime));
    bytes = await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource').filter(each => each.name.includes('/explorer/'))].reduce((sum, each) => sum + each.encodedBodySize, 0));
    await context.close();
  }
  console.log(`first contentful paint: median ${Math.round(quantile(times, 0.5))} ms, worst of ${Loads} ${Math.round(Math.max(...times))} ms; ${bytes} bytes compressed`);
}

async function slider(name, hash, label, watched) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(base + hash);
  try {
    await page.waitForSelector(watched, { timeout: 20_000 });
    await page.waitForTimeout(2500); // what opens the view is not what is measured
    const times = await page.evaluate(async ({ label, watched, moves }) => {
      const input = document.getElementById([...document.querySelectorAll('.slider label')].find(each => label === '' || each.textContent === label).htmlFor);
      const low = Number(input.min), high = Number(input.max), step = Number(input.step), found = [];
      for (let i = 0; i < moves; i++) {
        const picture = document.querySelector(watched);
        const share = 0.1 + 0.8 * ((i * 0.381966) % 1);
        const began = performance.now();
        const drawn = new Promise(done => {
          const observer = new MutationObserver(() => { observer.disconnect(); requestAnimationFrame(() => done(performance.now() - began)); });
          observer.observe(picture, { attributes: true, attributeFilter: ['data-drawn'], childList: true, characterData: true, subtree: true });
        });
        input.valueAsNumber = low + Math.round((high - low) * share / step) * step;
        input.dispatchEvent(new Event('input', { bubbles: true }));
        found.push(await Promise.race([drawn, new Promise(done => setTimeout(() => done(5000), 5000))]));
        await new Promise(done => setTimeout(done, 60));
      }
      return found;
    }, { label, watched, moves: Moves });
    console.log(`${name}: median ${quantile(times, 0.5).toFixed(0)} ms, 95th percentile ${quantile(times, 0.95).toFixed(0)} ms`);
  } catch (error) {
    console.log(`${name}: not measured (${error.message.split('\n')[0]})`);
  }
  await page.close();
}

await firstPaint();
await slider('two-moons, temperature of 1000 samples', '#/two-moons/density', 'Temperature', 'canvas.plane');
await slider('two-moons, depth', '#/two-moons/layers', 'Depth', 'canvas.plane');
await slider('breast-cancer, one feature of a row', '#/breast-cancer/rows?example=1&feature=radius_mean', 'radius_mean', '.now');
await slider('breast-cancer, temperature of 800 samples', '#/breast-cancer/samples', 'Temperature', 'canvas.pairs');
await slider('digits, temperature of 100 pictures', '#/digits/images', 'Temperature', '.samples canvas');
for (const model of process.argv.slice(3)) await slider(`${model}, condition (10 000 densities and 1500 samples)`, `#/${model}/condition`, '', 'canvas.plane');
await browser.close();
