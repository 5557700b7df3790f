/**
 * The last fence before a path reaches git (L12). Paths are built from validated slugs, so a refusal here is a bug of
 * ours, and loud.
 */
export function checkPath(path: string): void {
  const segments = path.split('/')
  const wrong =
    path === ''
      ? 'it is empty'
      : Buffer.byteLength(path) > 4096
        ? 'it is too long'
        : Buffer.from(path).toString() !== path
          ? 'it is no Unicode'
          : /[\p{Cc}\\]/u.test(path)
            ? 'it has a control character or a backslash'
            : segments.some((s) => s === '')
              ? 'it is absolute or has an empty segment'
              : segments.some((s) => s === '.' || s === '..')
                ? 'it climbs'
                : segments.some(isGitFolder)
                  ? 'it names the .git folder'
                  : null
  if (wrong !== null) throw new Error(`bug: ${JSON.stringify(path.slice(0, 200))} must not be written: ${wrong}`)
}

/** `.git` as any file system would read it: case, trailing dots and spaces, the 8.3 name, and what HFS+ ignores. */
function isGitFolder(segment: string): boolean {
  const plain = segment.replace(/[\u200c-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, '').toLowerCase()
  return /^\.git[. ]{0,4096}(?::.{0,4096})?$/.test(plain) || plain === 'git~1'
}

/** Whether git would take it as the name of a branch (git-check-ref-format(1)), and no argument could be made of it. */
export function isBranchName(name: string): boolean {
  return (
    name.length <= 255 &&
    !/[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$/u.test(name) &&
    name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'))
  )
}
