/** A page's starts fit in 16 bits, as no row is longer than 128 bytes. */
const PAGE_ROWS = 512;

/** The first size of the buffer in which pages are filled; it doubles when a page outgrows it. */
const FIRST_BUFFER_BYTES = 1024;

interface Page {
  bytes: Uint8Array;
  starts: Uint16Array;
}

/** Stores rows of bytes in their order, packed in pages, so that growing copies no more than the last page. */
export class Rows {
  private readonly pages: Page[] = [];
  /** Holds the last page until it is full. */
  private buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  private used = 0;
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** Returns the bytes among which a row lies, from `startOf` on. */
  bytesOf(row: number): Uint8Array {
    return this.pages[Math.floor(row / PAGE_ROWS)].bytes;
  }

  startOf(row: number): number {
    return this.pages[Math.floor(row / PAGE_ROWS)].starts[row % PAGE_ROWS];
  }

  /** Appends the first `length` bytes as a row. */
  append(bytes: Uint8Array, length: number): void {
    const index = this.count % PAGE_ROWS;
    if (index === 0) this.startPage();
    const page = this.pages[this.pages.length - 1];
    if (this.used + length > this.buffer.length) page.bytes = this.grow();
    for (let i = 0; i < length; ++i) this.buffer[this.used + i] = bytes[i];
    page.starts[index] = this.used;
    this.used += length;
    ++this.count;
  }

  private startPage(): void {
    const full = this.pages.at(-1);
    if (full !== undefined) full.bytes = this.buffer.slice(0, this.used);
    this.pages.push({ bytes: this.buffer, starts: new Uint16Array(PAGE_ROWS) });
    this.used = 0;
  }

  private grow(): Uint8Array {
    const larger = new Uint8Array(2 * this.buffer.length);
    larger.set(this.buffer);
    this.buffer = larger;
    return larger;
  }
}
