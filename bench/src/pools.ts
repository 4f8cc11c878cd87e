/** What both pools of threads can do. */
export interface TaskPool {
  run(task: number, options: { readonly name: string; readonly signal?: AbortSignal }): Promise<unknown>
  destroy(): Promise<void>
}

// One thread, as our actor has one.
const options = { filename: new URL('./pool-task.js', import.meta.url).href, minThreads: 1, maxThreads: 1 }

type PoolClass = new (given: typeof options) => TaskPool

export async function openPiscina(): Promise<TaskPool> {
  const { Piscina } = (await load('piscina')) as { Piscina: PoolClass }
  return new Piscina(options)
}

export async function openTinypool(): Promise<TaskPool> {
  const { Tinypool } = (await load('tinypool')) as { Tinypool: PoolClass }
  return new Tinypool(options)
}

// By a name that the compiler does not follow: the declarations of both do not compile under our options.
function load(name: string): Promise<unknown> {
  return import(name)
}
