/** Cuts a text to what a field of the status may hold, and shows that it was cut. */
export function truncate(text: string, maxLength = 1024): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
}
