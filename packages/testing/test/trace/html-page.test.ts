import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Trace, traceHtml } from '@skerry/testing'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findChromium } from './chromium.ts'
import { largeTrace, sampleTrace } from './sample-trace.ts'

const executablePath = findChromium()

describe('the page as text', () => {
  const hostile = '</script><script>document.title = "broken out"</script><!-- <img src=x onerror=alert(1)>'

  test('holds no piece of a trace as markup', () => {
    const html = traceHtml(hostileTrace(hostile))
    expect(html.match(/<script/g)).toHaveLength(2)
    expect(html.match(/<\/script/g)).toHaveLength(2)
    expect(html).not.toContain('<img')
  })

  test('names no address that it could load', () => {
    const html = traceHtml(sampleTrace())
    expect(html).not.toMatch(/https?:|\b(?:src|href)=|@import|url\(/)
    expect(html).not.toMatch(/^import |^export /m)
  })

  test('is the same for the same trace', () => {
    expect(traceHtml(sampleTrace())).toBe(traceHtml(sampleTrace()))
  })
})

describe.skipIf(executablePath === undefined)('the page in a browser', { timeout: 60_000 }, () => {
  let browser: Browser
  let context: BrowserContext
  let folder: string
  let complaints: string[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'skerry-trace-'))
    browser = await chromium.launch({
      executablePath: executablePath ?? '',
      args: ['--no-sandbox'],
    })
  }, 60_000)
  afterEach(async () => {
    await context.close()
    expect(complaints).toEqual([])
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })

  async function open(trace: Trace, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> {
    const path = join(folder, 'trace.html')
    writeFileSync(path, traceHtml(trace))
    const url = pathToFileURL(path).href
    complaints = []
    context = await browser.newContext({
      colorScheme,
      viewport: { width: 1440, height: 860 },
    })
    const page = await context.newPage()
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (request.url() !== url) complaints.push(`asked for ${request.url()}`)
    })
    await page.goto(url)
    await expect.poll(() => page.locator('#shown').textContent()).toContain('events')
    return page
  }

  /** The middle of the window, in virtual microseconds. */
  async function middle(page: Page): Promise<number> {
    await nextPicture(page)
    return Number(await page.locator('#scrub').getAttribute('aria-valuenow'))
  }

  test('shows which run it was, what failed, and a lane for every node, region by region', async () => {
    const trace = sampleTrace()
    const page = await open(trace)
    expect(await page.title()).toBe('shop · seed 7')
    expect(await page.locator('header').innerText()).toContain('6f1d0c35a2b94e77')
    expect(await page.locator('.verdict').innerText()).toContain('noLostOrders')
    expect(await page.locator('#replay').textContent()).toBe(trace.header.replay)
    expect(await page.locator('#labels button').allInnerTexts()).toEqual([
      'simulation',
      ...['syd-1', 'syd-2', 'lax-1', 'lax-2', 'fra-1'],
    ])
    expect(await page.locator('#labels span').allInnerTexts()).toEqual(['syd', 'lax', 'fra'])
    await page.keyboard.press('0')
    for (const index of [0, 1, 2, 3, 4, 5]) expect(await coloursOfLane(page, index)).toBeGreaterThan(3)
  })

  test('shows the chain of what led to an event that is clicked, and goes along it', async () => {
    const trace = sampleTrace()
    const page = await open(trace)
    await page.locator('#kinds button', { hasText: 'turn' }).click()
    await page.keyboard.press('End')
    // The last arrival: its cause is the send on another node.
    const recv = trace.events.findLast(({ kind }) => kind === 'recv')!
    await clickEvent(page, trace, recv.i)
    await expect.poll(() => page.locator('#details h2').first().textContent()).toBe(`Event ${recv.i}`)
    const listed = await page.locator('#details ol li').allInnerTexts()
    expect(listed.at(-1)).toContain(`${recv.node} recv ← ${recv.peer}`)
    expect(listed.at(-2)).toContain(`${recv.peer} send → ${recv.node}`)
    await page.keyboard.press('c')
    expect(await page.locator('#details h2').first().textContent()).toBe(`Event ${recv.cause}`)
    await page.locator('#details ol li button').first().click()
    expect(await page.locator('#details ol li').count()).toBe(1)
    await page.keyboard.press('Escape')
    expect(await page.locator('#details').innerText()).toContain('partition {syd}|{rest}')
  })

  test('marks the nodes that a fault concerns, and only those', async () => {
    const page = await open(sampleTrace())
    await page.keyboard.press('0')
    // At 6.1 s: syd is cut off, fra-1 is down, lax-1 is slow.
    const marked = await Promise.all([1, 2, 3, 4, 5].map((index) => isMarked(page, index, 6_100_000)))
    expect(marked).toEqual([true, true, true, false, true])
    const before = await Promise.all([1, 2, 3, 4, 5].map((index) => isMarked(page, index, 600_000)))
    expect(before).toEqual([false, false, false, false, false])
  })

  test('goes to the failure', async () => {
    const page = await open(sampleTrace())
    await page.locator('#failure').click()
    expect(await page.locator('#details .caption').innerText()).toContain('noLostOrders: order 61')
  })

  test('the filter narrows by text, by kind and by node', async () => {
    const trace = sampleTrace()
    const page = await open(trace)
    const shown = page.locator('#shown')
    await page.keyboard.press('/')
    await page.keyboard.type('DROP cut')
    const cut = trace.events.filter(({ kind, msg }) => kind === 'drop' && msg === 'cut').length
    await expect.poll(() => shown.textContent()).toBe(`${cut} of ${trace.events.length} events`)
    await page.locator('#labels button', { hasText: 'syd-1' }).click()
    const elsewhere = trace.events.filter(({ kind, msg, node }) => kind === 'drop' && msg === 'cut' && node !== 'syd-1')
    await expect.poll(() => shown.textContent()).toBe(`${elsewhere.length} of ${trace.events.length} events`)
    await page.locator('#kinds button', { hasText: 'drop' }).click()
    await expect.poll(() => shown.textContent()).toBe(`0 of ${trace.events.length} events`)
  })

  test('scrubbing moves the window, its edges change its width, keys do both', async () => {
    const page = await open(sampleTrace())
    const box = (await page.locator('#scrub').boundingBox())!
    const atFirst = await middle(page)
    await page.mouse.click(box.x + box.width * 0.4, box.y + 20)
    const early = await middle(page)
    expect(early).toBeLessThan(atFirst - 1_000_000)
    await page.mouse.move(box.x + box.width * 0.4, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.5, box.y + 20, { steps: 4 })
    await page.mouse.up()
    const later = await middle(page)
    expect(later).toBeGreaterThan(early + 500_000)
    await page.keyboard.press('ArrowLeft')
    expect(await middle(page)).toBeLessThan(later)
    const before = await page.locator('#scrub').getAttribute('aria-valuetext')
    await page.keyboard.press('+')
    await nextPicture(page)
    expect(await page.locator('#scrub').getAttribute('aria-valuetext')).not.toBe(before)
  })

  test('copies the replay command', async () => {
    const trace = sampleTrace()
    const page = await open(trace)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.locator('#copy').click()
    await expect.poll(() => page.locator('#copy').textContent()).toBe('Copied')
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(trace.header.replay)
  })

  test('shows what a trace says as text, whatever it says', async () => {
    const text = '<b>bold</b></script><script>document.title = "broken out"</script>'
    const page = await open(hostileTrace(text))
    expect(await page.title()).toBe(`${text} · seed 1`)
    await page.keyboard.press('n')
    expect(await page.locator('#details .caption').textContent()).toBe(text)
    expect(await page.locator('#details .caption b, h1 b').count()).toBe(0)
  })

  test('draws in the colours of a light and of a dark screen', async () => {
    const page = await open(sampleTrace(), 'light')
    const paper = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const picture = (): Promise<unknown> => page.evaluate("document.querySelector('#canvas').toDataURL()")
    await nextPicture(page)
    const [lightPaper, lightPicture] = [await paper(), await picture()]
    await page.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(paper).not.toBe(lightPaper)
    await expect.poll(picture).not.toBe(lightPicture)
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(picture).toBe(lightPicture)
  })

  test('20 nodes and 50,000 events open, scrub and filter', async () => {
    const page = await open(largeTrace(20, 50_000))
    expect(await page.locator('#labels button').count()).toBe(21)
    expect(await page.locator('#shown').textContent()).toContain('50,000 events')
    const box = (await page.locator('#scrub').boundingBox())!
    const places: number[] = []
    for (const share of [0.3, 0.6, 0.9]) {
      await page.mouse.click(box.x + box.width * share, box.y + 20)
      places.push(await middle(page))
    }
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(new Set(places).size).toBe(3)
    await page.keyboard.press('0')
    await expect.poll(() => page.locator('#shown').textContent()).toMatch(/zoom in for [\d,]+ more arrows/)
    await page.locator('#filter').fill('ping 49979')
    await expect.poll(() => page.locator('#shown').textContent()).toMatch(/^[12] of 50,000 events$/)
  })
})

function hostileTrace(text: string): Trace {
  const header = {
    name: text,
    seed: 1,
    nodes: [{ name: text, region: text }],
    durationUs: 10,
    hash: text,
    replay: text,
  }
  return {
    header,
    events: [{ i: 0, t: 5, node: text, kind: 'log', cause: -1, msg: text }],
  }
}

async function nextPicture(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
}

/** Clicks where the event lies. */
async function clickEvent(page: Page, trace: Trace, i: number): Promise<void> {
  const { t, node } = trace.events[i]!
  const lane = await page.locator('#labels button').allInnerTexts()
  const { x, y } = await placeOf(page, lane.indexOf(node), t)
  const canvas = (await page.locator('#canvas').boundingBox())!
  await page.mouse.click(canvas.x + x, canvas.y + y)
}

/** Where a moment of a lane lies on the canvas, after what the page itself tells: its window, and where the lane's name is. */
async function placeOf(page: Page, lane: number, us: number): Promise<{ x: number; y: number }> {
  await nextPicture(page)
  const text = (await page.locator('#scrub').getAttribute('aria-valuetext')) ?? ''
  const [fromUs, toUs] = [...text.matchAll(/[\d.]+/g)].map(([seconds]) => Number(seconds) * 1_000_000)
  const label = (await page.locator('#labels button').nth(lane).boundingBox())!
  const canvas = (await page.locator('#canvas').boundingBox())!
  const share = (us - fromUs!) / (toUs! - fromUs!)
  return { x: 140 + share * (canvas.width - 156), y: label.y + label.height / 2 - canvas.y }
}

/** Whether the lane is coloured at that moment, near its upper edge where nothing else is drawn. */
async function isMarked(page: Page, lane: number, us: number): Promise<boolean> {
  const { x, y } = await placeOf(page, lane, us)
  return (await pixels(page, x, y - 34, 1, 1)).some((value) => value > 0)
}

/** How many colours a lane has: one that is empty has its line's and the paper's. */
async function coloursOfLane(page: Page, lane: number): Promise<number> {
  const { y } = await placeOf(page, lane, 0)
  return new Set(await pixels(page, 140, y - 3, 900, 6)).size
}

/** What is drawn there, a number a pixel; 0 where nothing is. */
async function pixels(page: Page, x: number, y: number, width: number, height: number): Promise<number[]> {
  // A copy is read: reading the page's own canvas back makes the browser complain.
  return await page.evaluate(`(() => {
    const copy = Object.assign(document.createElement('canvas'), { width: ${width}, height: ${height} })
    const context = copy.getContext('2d', { willReadFrequently: true })
    context.drawImage(document.querySelector('#canvas'), ${-Math.round(x)}, ${-Math.round(y)})
    return [...new Uint32Array(context.getImageData(0, 0, ${width}, ${height}).data.buffer)]
  })()`)
}
