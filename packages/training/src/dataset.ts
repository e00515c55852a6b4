import { DatasetError } from "./errors";
import { MAX_CLASSES } from "./model";
import type { Model } from "./plan";

/** Images with their labels. */
export interface Dataset {
  /** A byte for each pixel and channel, row by row, image after image; the model sees bytes / 255. */
  images: Uint8Array;
  /** Class of each image. */
  labels: Uint8Array;
}

/** The most images of a shard. */
export const MAX_IMAGES = 2_097_152;

/**
 * Checks that a data set has at least one image, and fits a model.
 * @throws DatasetError
 */
export function checkDataset({ height, width, channels, layers }: Model, { images, labels }: Dataset): void {
  if (labels.length === 0 || labels.length > MAX_IMAGES) {
    throw new DatasetError("labels.length", labels.length, `1 to ${MAX_IMAGES}`);
  }
  const bytes = labels.length * height * width * channels;
  if (images.length !== bytes) {
    const size = `${bytes}: ${labels.length} images of ${height} × ${width} pixels in ${channels} channels`;
    throw new DatasetError("images.length", images.length, size);
  }
  const last = layers[layers.length - 1];
  const classes = last.kind === "dense" ? last.channels : MAX_CLASSES;
  const wrong = labels.findIndex((label) => label >= classes);
  if (wrong !== -1) throw new DatasetError(`labels[${wrong}]`, labels[wrong], `below ${classes}`);
}
