import { describe, expect, it } from 'vitest'
import { SeenLives } from '../../src/mesh/seen-lives.ts'

function seen(...lives: number[]): SeenLives {
  const all = new SeenLives()
  for (const life of lives) all.met('b', life)
  return all
}

describe('a life of another node', () => {
  it('is over when a link to another one came up after it, whatever their numbers', () => {
    const lives = seen(500, 300, 400)
    expect([500, 300, 400].map((life) => lives.isOver('b', life))).toEqual([true, true, false])
  })

  it('is not known to be over while no link was up to it, or to that node', () => {
    const lives = seen(500)
    expect([lives.isOver('b', 499), lives.isOver('b', 501), lives.isOver('c', 500)]).toEqual([false, false, false])
  })

  it('that comes back is the one there is', () => {
    const lives = seen(1, 2, 1)
    expect([lives.isOver('b', 1), lives.isOver('b', 2)]).toEqual([false, true])
  })

  it('is known of the last 8 of a node', () => {
    const lives = seen(1, 2, 3, 4, 5, 6, 7, 8, 9)
    expect([lives.isOver('b', 1), lives.isOver('b', 2)]).toEqual([false, true])
  })

  it('is known of 16,384 nodes: forgotten is the one that had no new life for longest', () => {
    const lives = seen(1, 2)
    lives.met('c', 1)
    lives.met('c', 2)
    for (let at = 2; at < 16_384; at += 1) lives.met(`n${at}`, 1)
    lives.met('b', 3)
    lives.met('one more', 1)
    expect([lives.isOver('b', 1), lives.isOver('c', 1)]).toEqual([true, false])
  })

  it('that a link comes up to once more is no new one', () => {
    const lives = seen(1, 2)
    lives.met('c', 1)
    for (let at = 2; at < 16_384; at += 1) lives.met(`n${at}`, 1)
    lives.met('b', 2)
    lives.met('one more', 1)
    expect(lives.isOver('b', 1)).toBe(false)
  })
})
