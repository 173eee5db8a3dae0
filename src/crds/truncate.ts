/** Cuts a text to the maximum length of a status field, and marks the cut with an ellipsis. */
export function truncate(text: string, maxLength = 1024): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}
