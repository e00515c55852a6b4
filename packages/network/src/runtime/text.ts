/** Returns what somebody else has written, in one line without what a terminal would obey, and no longer than `most`. */
export function plainText(text: string, most: number): string {
  return text.replace(/\p{C}+/gu, " ").slice(0, most);
}
