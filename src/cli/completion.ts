import { note, type Context } from './context.ts'
import { exits } from './io.ts'

/** What each shell sources. They ask `purser __complete` with the words up to the cursor, and get a candidate a line. */
const scripts: Readonly<Record<string, string>> = {
  bash: `_purser() {
  local IFS=$'\\n'
  COMPREPLY=($(purser __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ \${COMPREPLY[0]:-} == *= ]]; then compopt -o nospace 2>/dev/null; fi
  return 0
}
complete -o default -F _purser purser
`,
  zsh: `#compdef purser
_purser() {
  local -a found
  found=("\${(@f)$(purser __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( ! $#found )); then _files
  elif [[ $found[1] == *= ]]; then compadd -S '' -- $found
  else compadd -- $found; fi
}
compdef _purser purser
`,
  fish: `complete -c purser -a '(purser __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

export const shells: readonly string[] = Object.keys(scripts)

/** `purser completion`: the script of a shell, whatever the format of answers. */
export async function completion(context: Context, shell: string): Promise<number> {
  const script = scripts[shell]
  if (script === undefined) {
    note(context, `There is a script for ${shells.join(', ')}.`)
    return exits.usage
  }
  context.io.stdout.write(script)
  return exits.reached
}
