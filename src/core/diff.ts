import { createTwoFilesPatch } from 'diff'

const CONTEXT_LINES = 3

/** One file's change as `git diff` prints it; null: the file is not there on that side. Empty when nothing differs. */
export function renderDiff(path: string, before: string | null, after: string | null): string {
  if (before === after) return ''
  const mode = before === null ? 'new file mode 100644\n' : after === null ? 'deleted file mode 100644\n' : ''
  const patch = createTwoFilesPatch(
    before === null ? '/dev/null' : `a/${path}`,
    after === null ? '/dev/null' : `b/${path}`,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    { context: CONTEXT_LINES },
  )
  return `diff --git a/${path} b/${path}\n${mode}${patch.slice(patch.indexOf('--- '))}`
}
