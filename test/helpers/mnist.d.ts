/** Digits by their class; the package has no types. */
declare module "mnist" {
  const mnist: { length: number; get(index: number): number[] }[];
  export default mnist;
}
