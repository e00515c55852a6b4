interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers what arrives while a transaction runs into the next one, so that one synchronisation of the disk serves many.
 * An item's promise is settled when its transaction is.
 */
export class GroupCommit<T, R> {
  private waiting: Waiting<T, R>[] = [];
  private running?: Promise<void>;
  private readonly most: number;

  /**
   * @param flush stores items in one transaction, and resolves to a result for each, in their order, once they are durable
   * @param most items in one transaction
   */
  constructor(
    private readonly flush: (items: T[]) => Promise<R[]>,
    { most }: { most: number } = { most: 256 },
  ) {
    this.most = most;
  }

  /** Resolves to the item's result once it is durable. Rejects with the error of its transaction. */
  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Number of items that wait for their transaction. */
  get size(): number {
    return this.waiting.length;
  }

  /** Resolves when nothing waits any more. */
  async drain(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async run(): Promise<void> {
    // what has arrived in the same turn of the event loop goes together
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const group = this.waiting.splice(0, this.most);
      try {
        const results = await this.flush(group.map(({ item }) => item));
        group.forEach(({ resolve }, i) => resolve(results[i]));
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.running = undefined;
  }
}
