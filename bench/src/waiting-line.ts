/** Those who wait for answers that come in the order of their questions. */
export class WaitingLine<Answer> {
  #waiting: ((answer: Answer) => void)[] = []
  #next = 0

  join(): Promise<Answer> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  answer(answer: Answer): void {
    const resolve = this.#waiting[this.#next]
    if (resolve === undefined) throw new Error('an answer that nobody waits for')
    this.#next += 1
    if (this.#next === this.#waiting.length) {
      this.#waiting = []
      this.#next = 0
    }
    resolve(answer)
  }
}
