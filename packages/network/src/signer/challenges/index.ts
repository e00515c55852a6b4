export { checkRows, Product } from "./product.js";
export { challengeFor, type ChallengeTerms } from "./terms.js";
