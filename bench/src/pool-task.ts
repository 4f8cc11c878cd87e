// What a thread of piscina and of tinypool runs.
let count = 0

export function add(by: number): number {
  return (count += by)
}

export function runAway(): never {
  for (;;);
}
