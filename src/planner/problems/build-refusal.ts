/** The inputs are valid, and the planner makes no plan for them: its message says why, in the words of the VIM. */
export class BuildRefusal extends Error {
  override readonly name = 'BuildRefusal';
}
