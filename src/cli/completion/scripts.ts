/**
 * The completion scripts of the shells. Each asks `careen __complete WORD… CURRENT`, which answers as kubectl's plugins
 * do. kubectl itself asks the program kubectl_complete-careen.
 */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** How to load each script. */
export const LOADING: Readonly<Record<Shell, string>> = {
  bash: 'source <(careen completion bash)          # or a line of ~/.bashrc',
  zsh: 'source <(careen completion zsh)           # after compinit, in ~/.zshrc',
  fish: 'careen completion fish > ~/.config/fish/completions/careen.fish',
};

const BASH = [
  '# bash completion for careen: source <(careen completion bash)',
  '_careen() {',
  '  local answer line',
  '  COMPREPLY=()',
  '  answer=$("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) || return 0',
  '  while IFS= read -r line; do',
  '    [[ $line == :* ]] || COMPREPLY+=("${line%%$\'\\t\'*}")',
  '  done <<<"$answer"',
  '  [[ ${answer##*:} != 0 ]] || compopt -o default 2>/dev/null',
  '  return 0',
  '}',
  'complete -F _careen careen',
];

const ZSH = [
  '#compdef careen',
  '# zsh completion for careen: source <(careen completion zsh), after compinit',
  '_careen() {',
  '  local line',
  '  local -a lines described',
  '  lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")',
  '  for line in "${(@)lines[1,-2]}"; do',
  "    described+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")",
  '  done',
  '  (( $#described == 0 )) || _describe careen described',
  '  [[ ${lines[-1]} != :0 ]] || _files',
  '}',
  'compdef _careen careen',
];

const FISH = [
  '# fish completion for careen: careen completion fish > ~/.config/fish/completions/careen.fish',
  'function __careen_complete',
  '    set -l before (commandline -opc)',
  '    set -l answer ($before[1] __complete $before[2..-1] (commandline -ct) 2>/dev/null)',
  "    string match -v ':*' -- $answer",
  "    contains -- ':0' $answer; and __fish_complete_path (commandline -ct)",
  'end',
  "complete -c careen -f -a '(__careen_complete)'",
];

export function completionScript(shell: Shell): string {
  const lines = { bash: BASH, zsh: ZSH, fish: FISH }[shell];
  return `${lines.join('\n')}\n`;
}
