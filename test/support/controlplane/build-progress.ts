/** What a build with Go prints (`go build -v`), counted. */
const TAIL_LINES = 20;

export class BuildProgress {
  #modules = 0;
  #packages = 0;
  readonly #tail: string[] = [];

  /** Takes a line of the build's output: a module that it downloads, a package that it compiles, or something else. */
  read(line: string): void {
    if (line.startsWith('go: downloading ')) this.#modules += 1;
    else if (/^\S+$/.test(line)) this.#packages += 1;
    if (this.#tail.push(line) > TAIL_LINES) this.#tail.shift();
  }

  /** The end of the output, for the error of a build that fails. */
  get tail(): string {
    return this.#tail.join('\n');
  }

  /** Such as `3:15 building kwok: 312 modules downloaded, 840 packages compiled, now k8s.io/api/core/v1`. */
  describe(seconds: number, program: string): string {
    const counts = `${String(this.#modules)} modules downloaded, ${String(this.#packages)} packages compiled`;
    return `${elapsed(seconds)} building ${program}: ${counts}, now ${this.#tail.at(-1) ?? 'starting'}`;
  }
}

/** Such as `3:15`. */
export function elapsed(seconds: number): string {
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`;
}
