import type { Files } from '../platform/files.ts'
import { neverSettles } from './life-promises.ts'

/** What the files of an actor need to know of it. */
export interface FilesOwner {
  /** Whether its life has ended; counts the attempt. */
  isOver(): boolean
  /** The same promise while the actor lives; one that never settles once it has ended. */
  whileAlive<T>(promise: Promise<T>): Promise<T>
}

/**
 * The node's files for one life of one actor: a handler that resumes after its actor's end must not write over what the
 * successor wrote. A call that was under way at the end is still carried out.
 */
export function actorFiles(files: Files, owner: FilesOwner): Files {
  const guarded = <T>(act: () => Promise<T>): Promise<T> => (owner.isOver() ? neverSettles() : owner.whileAlive(act()))
  return {
    read: (path) => guarded(() => files.read(path)),
    write: (path, bytes) => guarded(() => files.write(path, bytes)),
    append: (path, bytes) => guarded(() => files.append(path, bytes)),
    sync: (path) => guarded(() => files.sync(path)),
    remove: (path) => guarded(() => files.remove(path)),
    list: (prefix) => guarded(() => files.list(prefix)),
  }
}
