import { existsSync } from 'node:fs'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where a Chromium is, if this machine has one. Without it, tests of pages can only be skipped, and say so. */
export function findChromium(): string | undefined {
  const found = places.find((path) => existsSync(path))
  if (found === undefined)
    console.log(`skipped: no Chromium in ${places.join(', ')} (Debian: apt-get install chromium)`)
  return found
}
